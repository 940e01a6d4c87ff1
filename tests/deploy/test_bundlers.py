"""Builds with Vite and other bundlers, in a project that follows docs/bundlers.md."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import copier
import pytest

from tests.deploy.conftest import SERVERS
from tests.deploy.http import get
from tests.guide import blocks
from tests.project import Project
from tests.servers import Server, free_port
from tests.vite import NPM, PATH, follow_guide, write_release, written

FOREVER, SHORTLY = "public, max-age=31536000, immutable", "public, max-age=60"


@pytest.fixture(scope="module")
def project(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    virtual_environment: Callable[..., Path],
    node_modules: Path,
) -> Project:
    """A project that follows the guide."""
    path = tmp_path_factory.mktemp("site") / "my-site"
    copier.run_copy(str(template), path, defaults=True, quiet=True)
    project = Project(path, virtual_environment("6.1", "gunicorn", "django-vite"))
    follow_guide(project, node_modules)
    return project


@pytest.fixture(scope="module")
def releases(project: Project, tmp_path_factory: pytest.TempPathFactory) -> list[Project]:
    """Release 1 and 2, built and not published."""
    root = str(project.path / "public" / "static")
    folder = tmp_path_factory.mktemp("releases")
    # As in a folder where releases were published before.
    (project.path / "public" / "static").mkdir(parents=True)
    (project.path / "public" / "static" / "old.txt").write_text("old")
    return [write_release(project, folder / f"release-{n}", n, STATIC_ROOT=root) for n in (1, 2)]


def script(port: int) -> str:
    """The name of the script in the page of the process at this port."""
    page = get(port, "/")
    assert page.status == 200
    (address,) = re.findall(r'<script[^>]* src="/static/([^"]+)"', page.body.decode())
    return address


def published(project: Project) -> set[str]:
    """The names in the bundler's folder."""
    root = project.path / "public" / "static"
    return {str(path.relative_to(root)) for path in (root / "vite").iterdir()}


def test_a_page_finds_its_lazy_chunk_after_the_next_release_and_a_process_restarts(
    project, releases, visitor, serve, run
):
    nginx = serve("nginx", project, bundler=True)
    one, two = releases
    for release in releases:
        done = release.manage("check", "--tag", "staticfiles")
        assert "no issues" in done.stdout + done.stderr
        assert {path.name for path in (release.path / "dist").iterdir()} == {".vite", "vite"}
    one.manage("collectstatic", "--noinput")
    process = run(one, nginx.processes[0])
    visitor.open(nginx.port)

    two.manage("collectstatic", "--noinput")

    assert visitor.click() == "Release 1!"
    process.stop()
    process = run(one, nginx.processes[0])
    run(two, nginx.processes[1])
    first, second = (script(port) for port in nginx.processes)
    assert first in written(one) - written(two)
    assert second in written(two) - written(one)
    assert published(project) == written(one) | written(two)
    for name in published(project):
        answer = get(nginx.port, f"/static/{name}")
        assert (answer.status, answer["Cache-Control"]) == (200, FOREVER)

    process.stop()
    two.manage("releases", "prune", "--keep=1", "--days=0")

    assert published(project) == written(two)
    visitor.open(nginx.port)
    assert visitor.click() == "Release 2!"
    assert visitor.complaints == []


@pytest.mark.parametrize("name", SERVERS)
def test_web_servers_know_the_bundlers_folder(project, releases, serve, name):
    releases[0].manage("collectstatic", "--noinput")
    folder = project.path / "public" / "static"
    name_of_one = min(written(releases[0]))
    (folder / f"{name_of_one}.map").write_text("{}")
    (folder / "vite.txt").write_text("another")
    lifetimes = {name_of_one: FOREVER, f"{name_of_one}.map": SHORTLY, "vite.txt": SHORTLY}

    with_rule, without = (serve(name, project, bundler=bundler) for bundler in (True, False))

    for path, lifetime in lifetimes.items():
        answer = get(with_rule.port, f"/static/{path}", Origin="https://www.example.com")
        assert (answer.status, answer["Cache-Control"]) == (200, lifetime)
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert get(without.port, f"/static/{path}")["Cache-Control"] == SHORTLY
    missing = get(with_rule.port, "/static/vite/no-BC9VhCn9.js")
    assert (missing.status, missing["Cache-Control"]) == (404, "")


def test_the_development_server_serves_the_code_as_it_is(project, visitor, start, tmp_path):
    folder = shutil.copytree(project.path, tmp_path / "site", symlinks=True)
    site, vite, django = Project(folder, project.python), free_port(), free_port()
    config = folder / "vite.config.js"
    config.write_text(config.read_text().replace("5173", str(vite)))
    with open(folder / "my_site" / "settings.py", "a") as settings:
        settings.write(f'\nDJANGO_VITE["default"] |= {{"dev_server_port": {vite}, "dev_server_host": "127.0.0.1"}}\n')
    command = [*NPM, "run", "dev", "--", "--host=127.0.0.1", f"--port={vite}", "--strictPort"]
    server = Server.start(command, folder, tmp_path / "vite.log", PATH=PATH)
    try:
        server.until_listening(vite)
        start(
            site, "python", "manage.py", "runserver", "--noreload", f"127.0.0.1:{django}", DJANGO_DEBUG="1"
        ).until_listening(django)
        visitor.open(django)
        assert visitor.click() == "🎉"
        assert visitor.page.evaluate("getComputedStyle(document.querySelector('h1')).cursor") == "pointer"
    finally:
        server.stop()


def test_each_release_has_its_own_manifest_of_django_compressor(template, virtual_environment, tmp_path, run):
    path = tmp_path / "my-site"
    copier.run_copy(str(template), path, defaults=True, quiet=True)
    guide = path / "docs" / "bundlers.md"
    (lines,) = (block.text for block in blocks(guide) if "COMPRESS_OFFLINE" in block.text)
    home = path / "pages/templates/pages/home.html"
    style = """<link rel="stylesheet" href="{% static 'pages/home.css' %}">"""
    home.write_text(
        home.read_text().replace(style, f"{{% load compress %}}{{% compress css %}}{style}{{% endcompress %}}")
    )
    with open(path / "my_site" / "settings.py", "a") as settings:
        settings.write(
            f'\nINSTALLED_APPS.append("compressor")\nSTATICFILES_FINDERS = ["compressor.finders.CompressorFinder", '
            f'*__import__("django.conf.global_settings").conf.global_settings.STATICFILES_FINDERS]\n{lines}'
        )
    project = Project(path, virtual_environment("6.1", "gunicorn", "django-compressor"))
    styles = {}
    for release_id in ("one", "two"):
        (path / "pages/static/pages/home.css").write_text(f"body {{ --release: {release_id} }}")
        project.variables = {"RELEASE_ID": release_id}
        project.manage("collectstatic", "--noinput")
        project.manage("compress")
    for release_id in ("one", "two"):
        project.variables = {"RELEASE_ID": release_id}
        port = free_port()
        run(project, port)
        page = get(port, "/")
        assert page.status == 200
        (name,) = re.findall(r'href="/static/(CACHE/css/[^"]+)"', page.body.decode())
        styles[release_id] = (path / "public/static" / name).read_text()

    assert "no issues" in project.manage("check", "--tag", "staticfiles").stdout
    assert all(f"--release:{release_id}" in text.replace(" ", "") for release_id, text in styles.items())
