"""What publishing costs here and with every peer, measured side by side in one run.

    uv run --group benchmarks python -m benchmarks                 everything, about three quarters of an hour
    uv run --group benchmarks python -m benchmarks disk s3         these sections only

It prints Markdown, and keeps it and the figures in `benchmarks/`, section by section. It takes npm, which fetches the
largest set of files, and Debian's Ceph, the S3 server: CONTRIBUTING.md says how to install both.

    works.py       what is published
    peers.py       what publishes it; s3_storages.py is what a team writes for itself
    places.py      where: a folder, a bucket
    run.py         one measured run, in a process of its own
    measure.py     starts it, and sums up several
    proxy.py       the connection to the S3 server: it adds latency and counts requests
    scenarios.py   what happens between two publications
    disk.py  s3.py  previews.py  web.py  retention.py  template.py      the sections
    report.py      figures -> Markdown
"""
