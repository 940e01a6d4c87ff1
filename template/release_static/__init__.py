"""Static files published per release.

Every release has its own manifest, so old and new code run side by side during a rolling deploy, a rollback needs no
second collectstatic, and nothing that a running release needs is ever deleted or rewritten.

    manifest.py storages.py serving.py views.py checks.py bundler_checks.py deploy_checks.py
                    everything a web process needs to read the manifest of its release
    release_ids/    finds the id of this release
    staging/        collects and hashes files in a private directory
    publishing/     uploads what a destination lacks, and writes the manifest last
    releases/       lists, verifies and prunes published releases
    s3/             publishes to an S3 bucket; only in projects that use S3
    management/     the commands collectstatic and releases
"""
