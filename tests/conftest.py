"""Rendered projects, and the Pythons and Djangos that they run with."""

import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import copier
import pytest

from tests.project import COPIER_SETTINGS, ROOT, Project, copy_template, environment
from tests.s3.server import bucket_name, ceph, server  # noqa: F401 (fixtures)
from tests.servers import Server
from tests.vite import node_modules, visitor  # noqa: F401 (fixtures)

# Django -> the Python that a project with it is tested with: the oldest for one, the newest for the other.
PYTHONS = {"5.2": "3.11", "6.1": "3.13"}

# What every project needs beside Django, and what one needs by its storage backend.
STAGE = "django-manifeststaticfiles-enhanced==0.10.*"
PACKAGES: dict[str, tuple[str, ...]] = {"filesystem": (), "s3": ("django-storages[s3]", "tqdm")}


def pytest_configure() -> None:
    os.environ["COPIER_SETTINGS_PATH"] = str(COPIER_SETTINGS)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything that a test may need is there, so a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def render(template: Path, tmp_path: Path) -> Callable[..., Project]:
    """render(name="my-site", python=None, **answers): a project rendered by Copier's API, without trust."""

    def render(name: str = "my-site", python: Path | None = None, **answers: object) -> Project:
        copier.run_copy(
            str(template), tmp_path / name, data=answers, defaults=True, quiet=True, unsafe=False, overwrite=True
        )
        return Project(tmp_path / name, python)

    return render


@pytest.fixture(scope="session")
def virtual_environment(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Path]:
    """virtual_environment("6.1", "wagtail"): the Python of an environment with that Django, the stage and these packages.

    Made once for a test run, whatever the number of workers.
    """
    shared = tmp_path_factory.getbasetemp().parent if worker_id != "master" else tmp_path_factory.getbasetemp()

    def virtual_environment(django_version: str, *packages: str) -> Path:
        name = "-".join(["venv", django_version, *sorted(packages)])
        folder = shared / "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name)
        lock = folder.with_suffix(".lock")
        with open(lock, "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if not (folder / "complete").exists():
                django = f"django=={django_version}.*"
                for command in (
                    ["uv", "venv", "--quiet", "--clear", "--python", PYTHONS[django_version], str(folder)],
                    ["uv", "pip", "install", "--quiet", "--python", str(folder), django, STAGE, *packages],
                ):
                    subprocess.run(command, check=True, cwd=ROOT, env=environment())
                (folder / "complete").touch()
        return folder / "bin" / "python"

    return virtual_environment


@pytest.fixture(params=list(PYTHONS))
def django_version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def project(render: Callable[..., Project], virtual_environment: Callable[..., Path], django_version: str) -> Project:
    """A project with the default answers, committed, once with each Django."""
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
