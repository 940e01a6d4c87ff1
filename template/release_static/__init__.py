"""Static files published per release.

Every release has a manifest of its own, so old and new code run side by side during a rolling deploy, a rollback needs no
second collectstatic, and nothing that a running release needs is ever deleted or rewritten.

    manifest.py storages.py serving.py views.py checks.py bundler_checks.py deploy_checks.py
                    what a web process needs: the manifest of its own release, and nothing else
    release_ids/    how the id of this release is found
    publishing/     the path of a file from a finder to the manifest
    releases/       listing, verifying and pruning the releases that are published
    s3/             a bucket instead of a directory; only in projects that publish to S3
    management/     the commands collectstatic and releases
"""
