"""Measure publishing with this project and the alternatives, in one run.

    uv run --group benchmarks python -m benchmarks                 all sections, about 45 minutes
    uv run --group benchmarks python -m benchmarks disk s3         these sections only

It prints Markdown, and stores it and the figures in `benchmarks/`, section by section. It requires npm, to download the
largest set of files, and Debian's Ceph as the S3 server: CONTRIBUTING.md explains how to install both.

    works.py       the sets of files to publish
    peers.py       the tools that publish them; s3_storages.py is the code that a team would write
    places.py      the destinations: a folder or a bucket
    run.py         one measured run, in its own process
    measure.py     starts runs and summarizes them
    proxy.py       a proxy to the S3 server that adds latency and counts requests
    scenarios.py   the changes between two publications
    disk.py  s3.py  previews.py  web.py  retention.py  template.py      the sections
    report.py      figures -> Markdown
"""
