"""Publishing and pruning at once, by real processes in one bucket."""

import json

from tests.s3.test_projects import one_django, project
from tests.test_prune import publish_and_prune

__all__ = ["project"]


@one_django
def test_while_releases_are_published_and_pruned_every_manifest_that_exists_is_intact(project, server, bucket_name):
    client = server.client()

    def releases() -> dict[str, list[str]]:
        missing = {}
        for key in [key for key in server.names(bucket_name) if key.endswith("/staticfiles.json")]:
            try:
                paths = json.loads(client.get_object(Bucket=bucket_name, Key=key)["Body"].read())["paths"]
            except client.exceptions.NoSuchKey:  # pruned just now
                continue
            there = server.names(bucket_name)
            # One after the other: what is gone by then, with its manifest, was pruned.
            if key in server.names(bucket_name):
                missing[key.split("/")[2]] = [name for name in paths.values() if f"static/{name}" not in there]
        return missing

    publish_and_prune(project, releases, looks=5)
    left = {key.split("/")[2] for key in server.names(bucket_name) if key.startswith("static/.releases/")}
    assert left == {"live", "r15"}
