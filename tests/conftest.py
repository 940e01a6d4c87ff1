"""Fixtures for rendered projects, and the versions of Python and Django that they run with."""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import botocore.session
import copier
import pytest

from tests.copier_process import skip_repeated_work
from tests.project import COPIER_SETTINGS, ROOT, Project, copy_template, environment
from tests.s3.server import bucket_name, ceph, server  # noqa: F401 (fixtures)
from tests.servers import Server
from tests.template import DJANGO
from tests.vite import node_modules, visitor  # noqa: F401 (fixtures)

# Django -> the Python that a project with it is tested with: the oldest for the oldest Django, the newest for the others.
PYTHONS = {version: pythons[0 if version == [*DJANGO][-1] else -1] for version, pythons in reversed(DJANGO.items())}

# What every project needs beside Django and gunicorn, and what one needs by its storage backend.
NEEDED = ("django-environ==0.14.*", "django-manifeststaticfiles-enhanced==0.10.*")
PACKAGES: dict[str, tuple[str, ...]] = {"filesystem": (), "s3": ("django-storages[s3]", "tqdm")}


# Where Linux keeps files in memory, and the bytes that a test run may need there.
MEMORY, NEEDED_MEMORY = Path("/dev/shm"), 4 << 30


def pytest_configure() -> None:
    # Publishing waits for the disk, and so do git and uv: more than half of the time of many tests.
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > NEEDED_MEMORY:
        os.environ.setdefault("TMPDIR", str(MEMORY))
        tempfile.tempdir = None  # so that it is read again
    os.environ["COPIER_SETTINGS_PATH"] = str(COPIER_SETTINGS)
    # Each session of botocore would read what it knows of S3, 1 MB of JSON, for itself.
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    skip_repeated_work()


def pytest_xdist_auto_num_workers() -> int:
    """One more than the number of CPUs, because tests wait for servers, browsers and disks."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every worker a share of the long tests to begin with, so that none of them runs alone at the end.

    The workers get equal parts of the list, one after the other, before they take tests from each other.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    ordered = [item for item in items if not item.get_closest_marker("long")]
    size = len(items) // workers
    for worker in range(workers):
        ordered[worker * size : worker * size] = long[worker::workers]
    items[:] = ordered


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything that a test may need is installed, so a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder for files that are created once per test run, for all workers, and then only read."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder, created by the first worker that needs it while the others wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    complete = folder.with_name(f"{folder.name}.complete")
    with open(folder.with_name(f"{folder.name}.lock"), "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not complete.exists():
            make(folder)
            complete.touch()
    return folder


@pytest.fixture(scope="session")
def template(shared: Path) -> Path:
    return made_once(shared / "template", copy_template)


@pytest.fixture(scope="session")
def rendered(template: Path, shared: Path) -> Callable[..., Path]:
    """rendered("my-site", **answers): a project rendered with Copier's API, without trust. Tests only read or copy it."""

    def rendered(name: str, **answers: object) -> Path:
        def render(folder: Path) -> None:
            copier.run_copy(
                str(template), folder, data=answers, defaults=True, quiet=True, unsafe=False, overwrite=True
            )

        answered = hashlib.sha256(repr(sorted(answers.items())).encode()).hexdigest()[:12]
        return made_once(shared / "rendered" / answered / name, render)

    return rendered


@pytest.fixture
def render(rendered: Callable[..., Path], tmp_path: Path) -> Callable[..., Project]:
    """render(name="my-site", python=None, **answers): a project that the test may change."""

    def render(name: str = "my-site", python: Path | None = None, **answers: object) -> Project:
        # With the time of now, as if rendered now.
        folder = shutil.copytree(rendered(name, **answers), tmp_path / name, symlinks=True, copy_function=shutil.copy)
        return Project(folder, python)

    return render


@pytest.fixture(scope="session")
def virtual_environment(shared: Path) -> Callable[..., Path]:
    """virtual_environment("6.1", "wagtail"): the Python of an environment with that Django and these packages."""

    def virtual_environment(django_version: str, *packages: str) -> Path:
        def make(folder: Path) -> None:
            django = f"django=={django_version}.*"
            for command in (
                ["uv", "venv", "--quiet", "--clear", "--python", PYTHONS[django_version], str(folder)],
                ["uv", "pip", "install", "--quiet", "--python", str(folder), django, *NEEDED, *packages],
            ):
                subprocess.run(command, check=True, cwd=ROOT, env=environment())
            # Before it ends, Python would search everything in memory for garbage, for a tenth of the time of a command.
            [packages_folder] = folder.glob("lib/*/site-packages")
            (packages_folder / "exit.pth").write_text("import atexit, gc; atexit.register(gc.freeze)\n")

        name = "-".join(["venv", django_version, *sorted(packages)])
        name = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name)
        return made_once(shared / name, make) / "bin" / "python"

    return virtual_environment


@pytest.fixture(params=list(PYTHONS))
def django_version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def project(render: Callable[..., Project], virtual_environment: Callable[..., Path], django_version: str) -> Project:
    """A committed project with the default answers, for each version of Django."""
    project = render(python=virtual_environment(django_version), django_version=django_version)
    project.commit("Start")
    return project


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """start(project, *command, **variables): that server, stopped when the test ends."""
    servers: list[Server] = []

    def start(project: Project, *command: str, **variables: str) -> Server:
        assert project.python is not None
        variables = {"PYTHONUNBUFFERED": "1", "DJANGO_SECRET_KEY": "s"} | project.variables | variables
        log = tmp_path / f"server-{len(servers)}.log"
        servers.append(Server.start([project.python.parent / command[0], *command[1:]], project.path, log, **variables))
        return servers[-1]

    yield start
    for started in servers:
        started.stop()
