"""Publishing and pruning at once, by real processes in one bucket."""

import json
import subprocess

from tests.conftest import environment
from tests.s3.test_projects import one_django, project
from tests.test_prune import PRUNER, PUBLISHER

__all__ = ["project"]


def broken(server, bucket_name):
    """Files that a published manifest names and that are not there."""
    client, missing = server.client(), []
    for manifest in [key for key in server.names(bucket_name) if key.endswith("/staticfiles.json")]:
        try:
            paths = json.loads(client.get_object(Bucket=bucket_name, Key=manifest)["Body"].read())["paths"]
        except client.exceptions.NoSuchKey:  # pruned just now
            continue
        there = server.names(bucket_name)
        lost = [name for name in paths.values() if f"static/{name}" not in there]
        if lost and manifest in server.names(bucket_name):
            missing += lost
    return missing


@one_django
def test_while_releases_are_published_and_pruned_every_manifest_that_is_there_is_whole(project, server, bucket_name):
    over = project.path / "over"
    (project.path / "static" / "example.txt").write_text("live")
    project.manage("collectstatic", "--noinput", RELEASE_ID="live")
    variables = environment(**project.variables, RELEASE_ID="live", DJANGO_SETTINGS_MODULE="my_site.settings")
    (project.path / "publisher.py").write_text(PUBLISHER)
    (project.path / "pruner.py").write_text(PRUNER)

    publisher = subprocess.Popen([project.python, "publisher.py"], cwd=project.path, env=variables)
    pruner = subprocess.Popen(
        [project.python, "pruner.py", over], cwd=project.path, env=variables, stdout=subprocess.PIPE, text=True
    )
    looks = 0
    try:
        while publisher.poll() is None:
            assert broken(server, bucket_name) == []
            looks += 1
    finally:
        over.touch()
        pruned, gave_way = map(int, pruner.communicate()[0].split())
        publisher.wait()

    assert (publisher.returncode, pruner.returncode) == (0, 0)
    assert broken(server, bucket_name) == []
    assert looks > 5
    assert pruned > 0 and gave_way > 0
    project.manage("releases", "verify", "--all", RELEASE_ID="live")
    project.manage("releases", "prune", "--keep=1", "--days=0", RELEASE_ID="live")
    left = {key.split("/")[2] for key in server.names(bucket_name) if key.startswith("static/.releases/")}
    assert left == {"live", "r15"}
