"""Publishing and pruning at once, by real processes in one static root."""

import json
import subprocess
from collections.abc import Callable

from tests.project import Project, environment

# Publishes releases, two of which in turn have the same content, so that each needs what the prune of another deletes.
PUBLISHER = """
import django
from django.conf import settings
from django.core.management import call_command
from django.test.utils import override_settings

django.setup()
ours = settings.STORAGES["staticfiles"]
for n in range(16):
    options = ours["OPTIONS"] | {"release_id": f"r{n}"}
    storages = settings.STORAGES | {"staticfiles": ours | {"OPTIONS": options}}
    (settings.BASE_DIR / "static" / "example.txt").write_text(str(n % 2))
    with override_settings(STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
"""

# Prunes again and again until it is told that publishing is over. Prints how often it did.
PRUNER = """
import sys
import time
from pathlib import Path
import django
from django.core.management import call_command

django.setup()
done = 0
while not Path(sys.argv[1]).exists():
    call_command("releases", "prune", "--keep=1", "--days=0", stdout=open("/dev/null", "w"))
    done += 1
    time.sleep(0.2)
print(done)
"""


def publish_and_prune(project: Project, releases: Callable[[], dict[str, list[str]]], looks: int) -> None:
    """Run both at once, and check the published files at least as often.

    `releases` gives the ids of those that are published, each with the files that it names and that are not there.
    """
    assert project.python is not None
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
    looked = 0
    try:
        while publisher.poll() is None:
            assert not any(releases().values())
            looked += 1
    finally:
        over.touch()
        pruned = int(pruner.communicate()[0])
        publisher.wait()

    assert (publisher.returncode, pruner.returncode) == (0, 0)
    assert looked >= looks
    # Publishers at work make a prune wait, not fail.
    assert pruned > 1
    assert releases().keys() >= {"live", "r15"}
    project.manage("releases", "verify", "--all", RELEASE_ID="live")
    project.manage("releases", "prune", "--keep=1", "--days=0", RELEASE_ID="live")
    assert releases() == {"live": [], "r15": []}


def test_while_releases_are_published_and_pruned_every_published_manifest_is_complete(project):
    root = project.path / "public" / "static"

    def releases() -> dict[str, list[str]]:
        missing = {}
        for manifest in root.glob(".releases/*/staticfiles.json"):
            try:
                paths = json.loads(manifest.read_bytes())["paths"]
            except FileNotFoundError:  # pruned just now
                continue
            lost = [name for name in paths.values() if not (root / name).exists()]
            if manifest.exists():
                missing[manifest.parent.name] = lost
        return missing

    publish_and_prune(project, releases, looks=10)
    assert sorted(path.name for path in (root / ".releases").iterdir()) == ["live", "r15"]
