"""Add release_static/ to existing projects, and publish releases beside the existing files."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.existing.guide import follow
from tests.existing.layouts import LAYOUTS, Layout
from tests.project import Project, run_copier

# What a server does: it imports the application, and answers a request.
VISIT = """
import importlib, sys
from wsgiref.util import setup_testing_defaults
application = importlib.import_module(sys.argv[1]).application
environ = {"PATH_INFO": sys.argv[2], "HTTP_HOST": "localhost"}
setup_testing_defaults(environ)
print(b"".join(application(environ, lambda status, headers: None)).decode())
"""


class Site:
    """A project in production: each release in its own folder, with one static root."""

    def __init__(self, layout: Layout, folder: Path, python: Path) -> None:
        self.layout = layout
        self.folder = folder
        self.root = folder / "shared"
        self.code = self._project("code", python)
        self.code.path.mkdir(parents=True)
        layout.write(self.code)
        self.commit(self.code, "Before")

    def _project(self, name: str, python: Path | None) -> Project:
        variables = {"STATIC_ROOT": str(self.root), "DJANGO_SETTINGS_MODULE": self.layout.production}
        return Project(self.folder / name / self.layout.folder, python, variables)

    def commit(self, project: Project, message: str) -> str:
        return Project(self.folder / project.path.relative_to(self.folder).parts[0]).commit(message)

    def release(self, name: str) -> Project:
        """The current code, with a style sheet for this release."""
        project = self._project(name, self.code.python)
        shutil.copytree(self.folder / "code", self.folder / name, symlinks=True)
        (project.path / self.layout.style_sheet).write_text(f"h1::after {{ content: '{name}' }}\n")
        self.commit(project, name)
        if not self.layout.by_git:
            project.variables["RELEASE_ID"] = name
        return project

    def id_of(self, project: Project) -> str:
        return project.variables.get("RELEASE_ID") or project.run("git", "rev-parse", "HEAD").stdout.strip()

    def publish(self, project: Project) -> str:
        """What collectstatic says on stderr."""
        said = project.manage("collectstatic", "--noinput").stderr
        if "compressor" in str(self.layout.packages):
            project.manage("compress")
        return said

    def style_sheets(self, project: Project) -> list[str]:
        """The content of the file that the page links to, from a new server process."""
        page = project.run(str(project.python), "-c", VISIT, self.layout.wsgi, "/shop").stdout
        links = re.findall(r'href="/static/([^"]+)"', page)
        assert links, page
        return [(self.root / link).read_text() for link in links]

    def hashed_files(self) -> dict[Path, tuple[int, int, int]]:
        """Inode, and times of the last change to content and to inode."""
        statuses = {path: path.stat() for path in self.root.rglob("*") if re.search(r"\.[0-9a-f]{12}\.", path.name)}
        return {path: (status.st_ino, status.st_mtime_ns, status.st_ctime_ns) for path, status in statuses.items()}

    def check(self, project: Project) -> list[str]:
        """The ids of the messages from `check --deploy`."""
        done = project.manage("check", "--deploy", "--tag", "staticfiles", check=False)
        assert done.returncode == ("ERRORS:" in done.stderr)
        return sorted(re.findall(r"\(release_static\.(\w+)\)", done.stderr))


@pytest.fixture(params=LAYOUTS)
def site(request, tmp_path, virtual_environment):
    layout = LAYOUTS[request.param]
    return Site(layout, tmp_path, virtual_environment(layout.django_version, *layout.packages))


@pytest.mark.long
def test_an_existing_project_publishes_releases_beside_what_it_published_before(site, template):
    layout, code = site.layout, site.code
    before = site.release("before")
    site.publish(before)
    assert all("before" in text for text in site.style_sheets(before))
    live = site.hashed_files()
    assert bool(live) == layout.has_manifest

    answers = ["--data=existing_project=yes"] if layout.folder != "." else []
    run_copier("copy", "--defaults", "--quiet", *answers, template, code.path)
    added = code.run("git", "status", "--porcelain", "--untracked-files=normal", ".").stdout
    assert sorted(line.partition(" ")[2].removeprefix("src/") for line in added.splitlines()) == [
        ".copier-answers.release-static.yml",
        "release_static/",
    ]
    follow(code.path, layout)
    site.commit(code, "Publish releases")

    # Development and tests go on as they were.
    for settings in {layout.development, layout.testing or layout.development}:
        variables = {"DJANGO_SETTINGS_MODULE": settings} if settings else {}
        assert "release_static" not in code.manage("check", **variables).stderr
    variables = {"DJANGO_SETTINGS_MODULE": layout.testing or layout.development} if layout.development else {}
    assert "Ran 1 test" in code.manage("test", "shop.tests", **variables).stderr

    one = site.release("one")
    whitenoise = ["W006"] if "whitenoise" in str(layout.packages) else []
    assert site.check(one) == ["E004", *whitenoise]
    said = site.publish(one)
    assert ("manage.py releases adopt" in said) == layout.has_manifest
    # The first publication touches no hashed file, and hashes as the project did.
    assert live.items() <= site.hashed_files().items()
    assert all(re.search(layout.hashed, path.name) for path in site.hashed_files())
    if layout.has_manifest:
        one.manage("releases", "adopt")
    assert site.check(one) == whitenoise
    if whitenoise:
        base = one.path / "config/settings/base.py"
        base.write_text(base.read_text().replace('    "whitenoise.middleware.WhiteNoiseMiddleware",\n', ""))
        assert site.check(one) == []
    two = site.release("two")
    site.publish(two)

    # A rollback is starting the code of the release before.
    assert all("one" in text for text in site.style_sheets(one))

    two.manage("releases", "prune", "--keep=1", "--days=0")

    # The new code is served, and so is the old code, started anew.
    listed = json.loads(two.manage("releases", "--json").stdout)
    assert listed["current"] == site.id_of(two)
    ids = [release["id"] for release in listed["releases"] if not release["id"].startswith("before-")]
    assert ids == [site.id_of(two)]
    assert all("two" in text for text in site.style_sheets(two))
    if layout.has_manifest:
        assert all("before" in text for text in site.style_sheets(before))
    else:
        assert site.style_sheets(before)


def test_the_checklist_gives_the_lines_that_the_guide_has(tmp_path, virtual_environment, template):
    site = Site(LAYOUTS["startproject of Django 5.2"], tmp_path, virtual_environment("5.2"))
    run_copier("copy", "--defaults", "--quiet", template, site.code.path)
    settings = site.code.path / "shop/settings.py"
    settings.write_text(
        settings.read_text().replace("INSTALLED_APPS = [\n", 'INSTALLED_APPS = [\n    "release_static",\n')
    )

    said = site.code.manage("check", "--deploy", "--tag", "staticfiles", check=False).stderr

    [hint] = re.findall(r"HINT: Add this at the end of your production settings:\n\n(.*?\n\})\n", said, re.DOTALL)
    settings.write_text(f"{settings.read_text()}\n{hint}\n")
    assert site.check(Project(site.code.path, site.code.python, site.code.variables | {"RELEASE_ID": "one"})) == [
        "E004",
        "W005",
        "W005",
    ]
    follow_lines = (site.code.path / "release_static/ADOPT.md").read_text()
    assert '"stage": STORAGES["staticfiles"],' in hint and '"stage": STORAGES["staticfiles"],' in follow_lines
