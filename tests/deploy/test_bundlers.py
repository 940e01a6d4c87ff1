"""Real builds of Vite, and of others, in a project that follows docs/bundlers.md."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import copier
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.deploy.conftest import SERVERS, program
from tests.deploy.http import get
from tests.deploy.test_rolling_update import CHROMIUM
from tests.project import Project
from tests.servers import Server, free_port
from tests.vite import NPM, PATH, follow_guide, node_modules, write_release, written  # noqa: F401 (fixture)

FOREVER, SHORTLY = "public, max-age=31536000, immutable", "public, max-age=60"


@pytest.fixture(scope="module")
def project(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    virtual_environment: Callable[..., Path],
    node_modules: Path,  # noqa: F811
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
    return [write_release(project, folder / f"release-{n}", n, STATIC_ROOT=root) for n in (1, 2)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "google-chrome"), args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def run(start: Callable[..., Server]) -> Callable[[Project, int], Server]:
    """run(release, port): a server process of that release."""

    def run(release: Project, port: int) -> Server:
        command = ("gunicorn", "--no-control-socket", f"--bind=127.0.0.1:{port}", "my_site.wsgi")
        return start(release, *command).until_listening(port)

    return run


def click(page: Page) -> None:
    """Load what the page loads only then."""
    page.click("h1")
    page.wait_for_function("document.body.innerText.includes('!')", timeout=10_000)


def scripts(port: int) -> list[str]:
    """The addresses of the scripts in the page of the process at this port, which all exist behind the page."""
    page = get(port, "/")
    assert page.status == 200
    return re.findall(r'<script[^>]* src="([^"]+)"', page.body.decode())


def test_a_page_finds_its_lazy_chunk_after_the_next_release_and_a_process_restarts(
    project, releases, browser, serve, run
):
    nginx = serve("nginx", project, bundler=True)
    one, two = releases
    assert written(one) != written(two)
    for release in releases:
        done = release.manage("check", "--tag", "staticfiles")
        assert "no issues" in done.stdout + done.stderr
    one.manage("collectstatic", "--noinput")
    process = run(one, nginx.processes[0])
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"http://127.0.0.1:{nginx.port}/", wait_until="networkidle")

    two.manage("collectstatic", "--noinput")
    click(page)
    process.stop()
    process = run(one, nginx.processes[0])
    run(two, nginx.processes[1])

    assert "Release 1!" in page.inner_text("body")
    first, second = (scripts(port) for port in nginx.processes)
    assert [name.startswith("/static/vite/main-") for name in first + second] == [True, True]
    assert first != second
    for name in first + second:
        answer = get(nginx.port, name)
        assert (answer.status, answer["Cache-Control"]) == (200, FOREVER)
    root = project.path / "public" / "static"
    published = {str(path.relative_to(root)) for path in (root / "vite").iterdir()}
    assert published == written(one) | written(two)

    process.stop()
    two.manage("releases", "prune", "--keep=1", "--days=0")

    assert {str(path.relative_to(root)) for path in (root / "vite").iterdir()} == written(two)
    page.goto(f"http://127.0.0.1:{nginx.port}/", wait_until="networkidle")
    click(page)
    assert "Release 2!" in page.inner_text("body")
    assert complaints == []


@pytest.mark.parametrize("name", SERVERS)
def test_web_servers_know_the_bundlers_folder(project, releases, serve, name):
    releases[0].manage("collectstatic", "--noinput")
    folder = project.path / "public" / "static"
    (script,) = (path.name for path in (folder / "vite").glob("main-*.js") if path.name in str(written(releases[0])))
    (folder / "vite" / f"{script}.map").write_text("{}")
    (folder / "vite.txt").write_text("another")
    lifetimes = {f"/static/vite/{script}": FOREVER, f"/static/vite/{script}.map": SHORTLY, "/static/vite.txt": SHORTLY}

    with_rule, without = (serve(name, project, bundler=bundler) for bundler in (True, False))

    for path, lifetime in lifetimes.items():
        answer = get(with_rule.port, path, Origin="https://www.example.com")
        assert (answer.status, answer["Cache-Control"]) == (200, lifetime)
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert get(without.port, path)["Cache-Control"] == SHORTLY
    missing = get(with_rule.port, "/static/vite/no-BC9VhCn9.js")
    assert (missing.status, missing["Cache-Control"]) == (404, "")


def test_the_development_server_serves_the_code_as_it_is(project, browser, start, tmp_path):
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
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{django}/", wait_until="networkidle")
        page.click("h1")
        page.wait_for_function("document.body.innerText.includes('🎉')", timeout=10_000)
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).cursor") == "pointer"
    finally:
        server.stop()
