"""The invariants of publishing, with concurrent processes, signals and full disks."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import environment


def complete(root: Path, release_id: str) -> bool:
    """Whether the release has a manifest, and every file that it names has the content that its name says."""
    paths = json.loads((root / ".releases" / release_id / "staticfiles.json").read_bytes())["paths"]
    hashes = {hashed.split(".")[-2 if "." in Path(name).name else -1]: root / hashed for name, hashed in paths.items()}
    return bool(paths) and all(hashlib.md5(path.read_bytes()).hexdigest()[:12] == md5 for md5, path in hashes.items())


def half_written(root: Path) -> list[Path]:
    """Files whose content does not match the hash in their name."""
    hashed = ((path, re.search(r"\.([0-9a-f]{12})(\.|$)", path.name)) for path in root.rglob("*") if path.is_file())
    return [path for path, md5 in hashed if md5 and hashlib.md5(path.read_bytes()).hexdigest()[:12] != md5[1]]


class Watcher:
    """Reads the files of a release repeatedly, as visitors do, and counts those that are missing."""

    def __init__(self, root: Path, names: list[str]) -> None:
        self.expected = {root / name: (root / name).read_bytes() for name in names}
        self.polls = self.missing = self.partial = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._poll, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _poll(self, stop: threading.Event) -> None:
        while not stop.wait(0.005):
            for path, content in self.expected.items():
                self.polls += 1
                try:
                    self.partial += path.read_bytes() != content
                except FileNotFoundError:
                    self.missing += 1


# Publishes 100 times in one process: every third time the same release again, else one with a change.
REDEPLOYS = """
import os, sys
import django
from django.conf import settings
from django.core.management import call_command
from django.test.utils import override_settings

django.setup()
storages = settings.STORAGES
for n in range(100):
    backend = sys.argv[1]
    options = {"release_id": f"r{n - n % 3 // 2}"} if backend.startswith("release_static") else {}
    with override_settings(STORAGES=storages | {"staticfiles": {"BACKEND": backend, "OPTIONS": options}}):
        (settings.BASE_DIR / "static" / "example.txt").write_text(str(n - n % 3 // 2))
        call_command("collectstatic", interactive=False, verbosity=0)
"""
OURS = "release_static.storages.ReleaseSpecificManifestLocalStorage"
DJANGO = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


def redeploy(project, backend: str) -> None:
    script = project.path / "redeploy.py"
    script.write_text(REDEPLOYS)
    project.run(project.python, script, backend, DJANGO_SETTINGS_MODULE="my_site.settings")


@pytest.mark.long
def test_visitors_miss_nothing_during_a_hundred_redeploys(project):
    root = project.path / "public" / "static"
    project.manage("collectstatic", "--noinput", RELEASE_ID="live")
    manifest = ".releases/live/staticfiles.json"
    watcher = Watcher(root, [manifest, *json.loads((root / manifest).read_bytes())["paths"].values()])

    with watcher.watching():
        redeploy(project, OURS)

    assert len(list((root / ".releases").glob("r*"))) > 60
    assert watcher.polls > 1000
    assert (watcher.missing, watcher.partial) == (0, 0)


@pytest.mark.long
def test_the_watcher_sees_what_visitors_miss_with_djangos_own_storage(project):
    root = project.path / "public" / "static"
    script = project.path / "shop_settings.py"
    script.write_text(
        "from my_site.settings import *\n"
        "INSTALLED_APPS.remove('release_static')\n"
        f"STORAGES['staticfiles'] = {{'BACKEND': {DJANGO!r}}}\n"
    )
    project.variables["DJANGO_SETTINGS_MODULE"] = "shop_settings"
    project.manage("collectstatic", "--noinput")
    watcher = Watcher(root, list(json.loads((root / "staticfiles.json").read_bytes())["paths"].values()))

    script = project.path / "redeploy.py"
    script.write_text(REDEPLOYS)
    command, variables = [project.python, script, DJANGO], environment(**project.variables)

    with watcher.watching(), subprocess.Popen(command, cwd=project.path, env=variables) as redeploys:
        while redeploys.poll() is None and not watcher.missing + watcher.partial:
            time.sleep(0.05)
        redeploys.kill()

    assert watcher.missing + watcher.partial > 0


@pytest.fixture
def many_files(project):
    """A project with enough files to stop a publication in the middle."""
    folder = project.path / "static" / "many"
    folder.mkdir()
    for n in range(2000):
        (folder / f"{n}.txt").write_text(f"file {n} " * 200)
    return project


def test_a_killed_publisher_leaves_no_manifest_and_the_next_run_completes(many_files):
    project, root = many_files, many_files.path / "public" / "static"
    command = [project.python, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    publisher = subprocess.Popen(command, cwd=project.path, env=environment(RELEASE_ID="one"))

    deadline = time.monotonic() + 60
    while not (root / "many").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    publisher.send_signal(signal.SIGKILL)

    assert publisher.wait() == -signal.SIGKILL
    assert not (root / ".releases" / "one").exists()
    assert list(root.glob("many/*.txt"))
    assert half_written(root) == []
    output = project.manage("collectstatic", "--noinput", RELEASE_ID="one").stdout
    assert int(output.partition("published, ")[2].split()[0]) > 0
    assert complete(root, "one")


@pytest.mark.parametrize("ids", [["one"] * 4, ["one", "two", "three", "four"]], ids=["same release", "four releases"])
def test_four_publishers_at_once(project, ids):
    root = project.path / "public" / "static"
    command = [project.python, "manage.py", "collectstatic", "--noinput"]

    publishers = [
        subprocess.Popen(
            command, cwd=project.path, env=environment(RELEASE_ID=id), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for id in ids
    ]

    for publisher in publishers:
        output = publisher.communicate()[0].decode()
        assert publisher.returncode == 0, output
    assert all(complete(root, release_id) for release_id in ids)
    assert sorted(path.name for path in (root / ".releases").iterdir()) == sorted(set(ids))
    paths = json.loads((root / ".releases/one/staticfiles.json").read_bytes())["paths"]
    names = {
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and ".releases" not in path.parts
    }
    assert names == {*paths, *paths.values()}


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk, which takes root on Linux"
)


@needs_root
def test_on_a_full_disk_nothing_is_released_and_the_next_run_completes(project):
    root = project.path / "public" / "static"
    with small_disk(root, "3m"):
        (root / "ballast").write_bytes(bytes(1_500_000))

        done = project.manage("collectstatic", "--noinput", check=False, RELEASE_ID="one")

        assert done.returncode == 1
        assert done.stderr.startswith("CommandError: Release one could not be published to")
        assert "No space left on device" in done.stderr
        assert "run collectstatic again" in done.stderr.replace("\n", " ")
        assert os.listdir(root / ".releases") == []
        assert half_written(root) == []
        (root / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=30m", root], check=True)
        project.manage("collectstatic", "--noinput", RELEASE_ID="one")
        assert complete(root, "one")


@needs_root
def test_on_a_read_only_disk_nothing_changes_and_the_error_says_so(project):
    root = project.path / "public" / "static"
    with small_disk(root, "30m"):
        project.manage("collectstatic", "--noinput", RELEASE_ID="one")
        subprocess.run(["mount", "-o", "remount,ro", root], check=True)
        (project.path / "static" / "example.txt").write_text("new")

        done = project.manage("collectstatic", "--noinput", check=False, RELEASE_ID="two")

        assert done.returncode == 1
        assert done.stderr.startswith("CommandError: Release two could not be published to")
        assert "Read-only file system" in done.stderr
        assert os.listdir(root / ".releases") == ["one"]
        assert complete(root, "one")


def test_two_releases_run_side_by_side_and_a_rollback_is_starting_the_old_one(project):
    root, example = project.path / "public" / "static", project.path / "static" / "example.txt"
    example.write_text("old")
    old = project.commit()
    project.manage("collectstatic", "--noinput")
    example.write_text("new")
    new = project.commit()
    project.manage("collectstatic", "--noinput")

    pages = {release: serve_and_visit(project, release, root) for release in (old, new, old)}

    assert pages == {old: "old", new: "new"}


def serve_and_visit(project, release_id: str, root: Path) -> str:
    """Start a process of this release, follow every link of its home page, and return what example.txt says."""
    script = (
        "import re, sys, urllib.request, threading\n"
        "from wsgiref.simple_server import make_server, WSGIRequestHandler\n"
        "from my_site.wsgi import application\n"
        "WSGIRequestHandler.log_message = lambda *arguments: None\n"
        "server = make_server('127.0.0.1', 0, application)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "page = urllib.request.urlopen(f'http://127.0.0.1:{server.server_port}/').read().decode()\n"
        'print(*re.findall(r\'(?:href)="/static/([^"]+)"\', page), page.count(sys.argv[1]))\n'
    )
    done = project.run(project.python, "-c", script, release_id, RELEASE_ID=release_id, DJANGO_SECRET_KEY="secret")
    *names, mentions = done.stdout.split()
    assert int(mentions) >= 1
    assert len(names) == 2
    assert all((root / name).is_file() for name in names)
    return (root / next(name for name in names if name.startswith("example."))).read_text()
