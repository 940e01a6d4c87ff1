"""Server processes during a rolling deploy, with a release that was never published, and a readiness probe."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project import Project
from tests.servers import DEADLINE, Server, wait_for

COMMANDS = {
    "gunicorn": ("gunicorn", "--preload", "--workers=2", "--bind=127.0.0.1:0", "--no-control-socket", "my_site.wsgi"),
    "uvicorn": ("uvicorn", "--host=127.0.0.1", "--port=0", "my_site.asgi:application"),
}


@pytest.fixture
def site(render: Callable[..., Project], virtual_environment: Callable[..., Path]) -> Project:
    project = render(python=virtual_environment("6.1", "gunicorn", "uvicorn"))
    project.commit("Start")
    return project


def linked_files(server: Server, root: Path) -> dict[str, str]:
    """The static files that the home page links to, with their content."""
    names = re.findall(r'href="/static/([^"]+)"', server.get("/"))
    return {name: (root / name).read_text() for name in names}


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_rolling_deploy_serves_both_releases_and_never_one_that_is_not_published(kind, site, start, tmp_path):
    root = tmp_path / "shared"

    def deploy(release_id: str, publish: bool = True) -> Server:
        """Create a new folder with the code of this release, as most tools do, publish its files, and start it."""
        folder = shutil.copytree(site.path, tmp_path / release_id, dirs_exist_ok=True)
        (folder / "static" / "example.txt").write_text(f"example of {release_id}")
        (folder / "REVISION").write_text(release_id)
        release = Project(folder, site.python, {"STATIC_ROOT": str(root)})
        if publish:
            release.manage("collectstatic", "--noinput")
        return start(release, *COMMANDS[kind])

    one = deploy("one")
    assert one.probe()["release"] == "one"
    two = deploy("two")
    assert two.probe()["release"] == "two"
    forgotten = deploy("three", publish=False)

    assert forgotten.probe() == {}
    assert forgotten.process.returncode == 3
    assert forgotten.said.count("The static files of this release are not published.") == 1
    assert "three, from the file" in forgotten.said
    assert str(root / ".releases" / "three") in forgotten.said
    assert "releases: two, one" in forgotten.said
    assert "RELEASE_ID=three python manage.py collectstatic" in forgotten.said
    assert "Traceback" not in forgotten.said

    for release_id, server in {"one": one, "two": two}.items():
        files = linked_files(server, root)
        assert f"example of {release_id}" in files.values()
        assert any(re.fullmatch(r"pages/home\.[0-9a-f]{12}\.css", name) for name in files)

    two.stop()
    rolled_back = deploy("one", publish=False)
    assert rolled_back.probe()["release"] == "one"

    # A probe reads nothing but the memory of the process.
    shutil.rmtree(root)
    assert json.loads(one.get("/healthz")) == rolled_back.probe()


def test_the_development_server_ends_too_if_it_is_to_run_as_in_production(site, start):
    server = start(site, "python", "manage.py", "runserver", "127.0.0.1:0")
    assert server.process.wait(DEADLINE) == 1
    assert server.said.count("The static files of this release are not published.") == 1
    assert "Traceback" not in server.said


@pytest.mark.parametrize("kind", COMMANDS)
def test_debug_turns_the_guard_off(kind, site, start):
    server = start(site, *COMMANDS[kind], DJANGO_DEBUG="1")
    end = time.monotonic() + DEADLINE
    while not (page := server.get("/")) and time.monotonic() < end and server.process.poll() is None:
        time.sleep(0.05)
    assert "/static/example.txt" in page, server.said


def test_a_worker_that_cannot_read_its_manifest_is_started_again_and_leaves_the_others_alone(site, start):
    """Without --preload each worker reads it."""
    site.manage("collectstatic", "--noinput")
    [manifest] = site.path.glob("public/static/.releases/*/staticfiles.json")
    logged = ("--access-logfile=-", "--access-logformat=by %(p)s")
    command = ("gunicorn", "--workers=2", "--bind=127.0.0.1:0", "--no-control-socket", *logged, "my_site.wsgi")
    server = start(site, *command)
    release = server.probe()
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")

    def all_respond() -> bool:
        server.get("/healthz")
        return len(set(re.findall(r"^by <(\d+)>$", server.said, re.MULTILINE))) == 2

    assert wait_for(all_respond)

    manifest.rename(manifest.with_name("aside"))
    manifest.mkdir()
    os.kill(int(children.read_text().split()[1]), signal.SIGTERM)

    assert wait_for(lambda: server.said.count("exited with code 75") > 1)
    assert server.probe() == release
    assert "The manifest of this release cannot be read" in server.said and "Traceback" not in server.said


def test_a_pipeline_sees_before_there_is_traffic_that_a_release_is_not_published(project):
    unpublished = project.manage("check", "--deploy", check=False)
    assert unpublished.returncode == 1
    assert "release_static.E004" in unpublished.stderr
    assert "Traceback" not in unpublished.stderr

    project.manage("collectstatic", "--noinput")
    project.manage("check", "--deploy", "--tag=staticfiles")


def test_no_other_command_needs_a_published_release(project):
    project.manage("check")
    project.manage("migrate")
    project.manage("shell", "-c", "print('a shell')")


def test_the_application_itself_refuses_on_every_supported_django(project):
    for module in ("wsgi", "asgi"):
        ended = project.run(project.python, "-c", f"import my_site.{module}", check=False, DJANGO_SECRET_KEY="s")
        assert ended.returncode == 3
        assert ended.stderr.startswith("The static files of this release are not published.")
