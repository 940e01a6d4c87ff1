"""`copier update` applies changes in the template, keeps the owner's changes, and causes no conflicts."""

import filecmp
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project import ROOT, Project, environment, run_copier
from tests.template import DJANGO, default_of
from tests.test_copier import COMBINATIONS, by_command, name_of


def git(folder: Path, *arguments: str | Path) -> str:
    command = ["git", "-C", folder, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Template:
    """A git repository with the template from the working tree, to change and release."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Projects of the newest release, by the name of their folder and their answers.
        self._made: dict[tuple[object, ...], Path] = {}
        path.mkdir()
        shutil.copy(ROOT / "copier.yml", path)
        for name in ("template", "extensions"):
            shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        git(path, "init", "-q", "-b", "main")
        self.release("v1.0.0")

    def release(self, version: str) -> None:
        git(self.path, "add", "-A")
        git(self.path, "commit", "-qm", version, "--allow-empty")
        git(self.path, "tag", "-a", version, "-m", version)
        self._made.clear()

    def replace(self, name: str, old: str, new: str) -> None:
        self.replace_in(f"template/{name}", old, new)

    def replace_in(self, name: str, old: str, new: str) -> None:
        path = self.path / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def copy(self, folder: Path, **answers: object) -> Project:
        """A project of the newest release, committed."""
        answered = folder.name, *sorted(answers.items())
        if answered not in self._made:
            made = self.path.parent / f"made-{uuid.uuid4().hex}" / folder.name
            run_copier(
                "copy", "--defaults", "--quiet", *(f"--data={k}={v}" for k, v in answers.items()), self.path, made
            )
            Project(made).commit("Start")
            self._made[answered] = made
        return Project(shutil.copytree(self._made[answered], folder, symlinks=True))


@pytest.fixture(scope="session")
def release_1(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("release") / "template")


@pytest.fixture
def changing_template(tmp_path: Path) -> Template:
    return Template(tmp_path / "template")


def status(project: Project) -> str:
    return git(project.path, "status", "--porcelain", "--ignored")


def files(folder: Path) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() or not any(path.iterdir()))
    return {str(path) for path in paths if path.parts[0] != ".git"}


def differences(one: Path, other: Path) -> set[str]:
    """Files that only one of two projects has, and files that are not the same in both."""
    _, differing, errors = filecmp.cmpfiles(one, other, files(one) & files(other), shallow=False)
    return files(one) ^ files(other) | {*differing, *errors}


def pairs(combination: dict[str, Any]) -> set[tuple[Any, ...]]:
    return set(itertools.combinations(combination.items(), 2))


def covering_every_pair(combinations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A small subset of these combinations that contains every pair of answers."""
    uncovered = set().union(*map(pairs, combinations))
    chosen = []
    while uncovered:
        chosen.append(max(combinations, key=lambda combination: len(pairs(combination) & uncovered)))
        uncovered -= pairs(chosen[-1])
    return chosen


@pytest.mark.parametrize("answers", covering_every_pair(COMBINATIONS), ids=name_of)
def test_an_update_to_the_same_release_changes_nothing(release_1, tmp_path, answers):
    project = release_1.copy(tmp_path / "shop", **answers)

    run_copier("update", "--defaults", "--quiet", project.path)

    assert status(project) == ""


@pytest.mark.long
def test_rendering_depends_on_nothing_but_the_answers(template, shared, rendered):
    # So an update to the same release changes nothing with these answers either.
    for combination in COMBINATIONS:
        one = by_command(template, shared, combination)
        other = rendered("my-site", project_name="Shop", **combination)
        assert differences(one, other) == set()


def test_the_owners_changes_and_the_templates_come_together(changing_template, tmp_path):
    project = changing_template.copy(tmp_path / "shop")
    owner_edits(project)
    project.commit("Mine")
    changing_template.replace("{{ package_name }}/settings.py.jinja", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Etc/UTC"')
    changing_template.replace("{{ package_name }}/urls.py.jinja", 'name="healthz"', 'name="health"')
    changing_template.replace("pyproject.toml.jinja", '"B", "DJ"', '"A", "B", "DJ"')
    changing_template.replace("README.md.jinja", "## Development", "## Developing")
    changing_template.replace("docs/static-files.md.jinja", "## Publish a release", "## Publishing a release")
    changing_template.replace("release_static/manifest.py", '"""The manifest', '"""This is the manifest')
    changing_template.replace("pages/static/pages/home.css", "3rem", "4rem")
    (changing_template.path / "template" / "release_static" / "new.py").write_text("NEW = True\n")
    changing_template.release("v1.1.0")

    run_copier("update", "--defaults", "--quiet", project.path)

    assert git(project.path, "diff", "--check") == ""
    assert not list(project.path.rglob("*.rej"))
    settings = (project.path / "shop/settings.py").read_text()
    assert 'TIME_ZONE = "Etc/UTC"' in settings and '"orders",' in settings and 'LANGUAGE_CODE = "de"' in settings
    urls = (project.path / "shop/urls.py").read_text()
    assert 'name="health"' in urls and 'path("orders/"' in urls
    pyproject = (project.path / "pyproject.toml").read_text()
    assert '"A", "B", "DJ"' in pyproject and '"djangorestframework",' in pyproject
    assert (project.path / "release_static/manifest.py").read_text().startswith('"""This is the manifest')
    assert "## Publishing a release" in (project.path / "docs/static-files.md").read_text()
    assert (project.path / "release_static/new.py").read_text() == "NEW = True\n"
    assert (project.path / "pages/templates/pages/home.html").read_text() == "<h1>Our shop</h1>\n"
    assert (project.path / "README.md").read_text().endswith("\nOur own words.\n")
    assert "## Development" in (project.path / "README.md").read_text()
    assert (project.path / "pages/static/pages/home.css").read_text() == "h1 { color: teal }\n"
    assert not (project.path / "static/example.txt").exists()
    assert yaml.safe_load((project.path / ".copier-answers.yml").read_text())["_commit"] == "v1.1.0"


def owner_edits(project: Project, package: str = "shop") -> None:
    """Typical changes of an owner: an app, dependencies, a setting, a page and a URL."""

    def edit(name: str, old: str, new: str) -> None:
        path = project.path / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    edit(f"{package}/settings.py", '    "pages",\n', '    "orders",\n    "pages",\n')
    edit(f"{package}/settings.py", 'LANGUAGE_CODE = "en-us"', 'LANGUAGE_CODE = "de"')
    edit(f"{package}/urls.py", "admin.site.urls),\n", 'admin.site.urls),\n    path("orders/", views.home),\n')
    edit(f"{package}/settings.py", '.staticfiles",\n]', '.staticfiles",\n    "rest_framework",\n]')
    (project.path / package / "settings.py").open("a").write('\nREST_FRAMEWORK = {"PAGE_SIZE": 100}\n')
    project.run("uv", "add", "--frozen", "--quiet", "celery", "django-allauth", "djangorestframework", "psycopg")
    (project.path / "README.md").open("a").write("\nOur own words.\n")
    (project.path / "pages/templates/pages/home.html").write_text("<h1>Our shop</h1>\n")
    (project.path / "pages/static/pages/home.css").write_text("h1 { color: teal }\n")
    (project.path / "static/example.txt").unlink()
    (project.path / "static/logo.svg").write_text("<svg/>\n")


def test_an_update_that_conflicts_says_how_to_see_that_and_how_to_go_back(changing_template, tmp_path):
    project = changing_template.copy(tmp_path / "shop")
    settings = project.path / "shop/settings.py"
    settings.write_text(settings.read_text().replace('TIME_ZONE = "UTC"', 'TIME_ZONE = "Asia/Tokyo"'))
    project.commit("Mine")
    changing_template.replace("{{ package_name }}/settings.py.jinja", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Etc/UTC"')
    move(changing_template, "release_static/views.py", "release_static/health.py")
    changing_template.release("v1.1.0")

    said = run_copier("update", "--defaults", project.path)

    see, deleted, back = (line.strip() for line in said.splitlines() if line.startswith("  git "))
    assert "shop/settings.py" in project.run("bash", "-c", see, check=False).stdout
    assert project.run("bash", "-c", deleted).stdout == "release_static/views.py\n"
    project.run("bash", "-c", back)
    assert status(project) == ""
    assert "CHANGELOG.md" in said


def test_an_update_ends_where_a_fresh_copy_begins(changing_template, tmp_path):
    project = changing_template.copy(tmp_path / "shop")
    changing_template.replace("{{ package_name }}/settings.py.jinja", 'TIME_ZONE = "UTC"', 'TIME_ZONE = "Etc/UTC"')
    changing_template.replace("release_static/manifest.py", '"""The manifest', '"""This is the manifest')
    (changing_template.path / "template/release_static/bundler_checks.py").unlink()
    changing_template.release("v1.1.0")

    run_copier("update", "--defaults", "--quiet", project.path)

    assert differences(project.path, changing_template.copy(tmp_path / "fresh" / "shop").path) == set()


@pytest.mark.parametrize(
    "changed",
    [
        {name: value}
        for name, value in {
            "project_name": "The New Shop",
            **{name: choice for combination in COMBINATIONS for name, choice in combination.items()},
        }.items()
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_answer_can_be_changed_and_back_beside_the_owners_changes(release_1, tmp_path, changed):
    project = release_1.copy(tmp_path / "one" / "shop")
    owner_edits(project)
    project.commit("Mine")
    before = tmp_path / "before"
    shutil.copytree(project.path, before)
    original = yaml.safe_load((project.path / ".copier-answers.yml").read_text())

    for answers in (changed, {name: original[name] for name in changed}):
        data = [f"--data={name}={value}" for name, value in answers.items()]
        run_copier("update", "--defaults", "--quiet", "--vcs-ref=:current:", *data, project.path)
        fresh = release_1.copy(
            tmp_path / "-".join(map(str, answers.values())) / "shop", **(original_data(original) | answers)
        )
        owner_edits(fresh)
        assert git(project.path, "diff", "--check") == ""
        assert broken_links(project.path) == set()
        assert differences(project.path, fresh.path) <= {"README.md"}
        # It is the owner's, so it stays as it was.
        assert differences(project.path, before).isdisjoint({"README.md"})
        project.commit("Other answers")

    assert differences(project.path, before) == set()


@pytest.mark.parametrize("changed", [("storage_backend", "s3"), ("release_id_strategy", "heroku")], ids="-".join)
def test_every_answer_of_an_existing_project_can_be_changed_and_back(release_1, tmp_path, changed):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/manage.py").write_text("print('Ours')\n")
    project = Project(tmp_path / "shop")
    run_copier("copy", "--defaults", "--quiet", "--data=existing_project=yes", release_1.path, project.path)
    before = project.commit("Start")
    name, value = changed

    for answer, same in ((value, False), (default_of(name), True)):
        update = ("update", "--defaults", "--quiet", "--answers-file=.copier-answers.release-static.yml")
        run_copier(*update, "--vcs-ref=:current:", f"--data={name}={answer}", project.path)
        after = project.commit(f"Answer {answer}")

        changes = git(project.path, "diff", "--name-only", before, after).splitlines()
        assert (changes == []) == same
        assert {path.split("/")[0] for path in changes} <= {".copier-answers.release-static.yml", "release_static"}


def test_no_page_links_to_one_that_is_gone_after_an_answer_was_changed(release_1, tmp_path):
    answers = {
        "storage_backend": "s3",
        "docker": "yes",
        "compare_static_configs": "yes",
        "release_id_strategy": "heroku",
    }
    project = release_1.copy(tmp_path / "shop", **answers)
    assert broken_links(project.path) == set()
    data = [f"--data={name}={default_of(name)}" for name in answers]

    run_copier("update", "--defaults", "--quiet", "--vcs-ref=:current:", *data, project.path)

    assert broken_links(project.path) == set()
    assert not (project.path / "docs/compare-static-configs.md").exists()


def broken_links(project: Path) -> set[tuple[str, str]]:
    """(page, link) of every broken link in a project's documentation."""
    return {
        (str(page.relative_to(project)), link)
        for page in project.rglob("*.md")
        for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text())
        if not (page.parent / link).exists()
    }


def original_data(answers: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in answers.items() if not name.startswith("_")}


def test_a_project_walks_from_django_to_django(changing_template, tmp_path):
    project = changing_template.copy(tmp_path / "shop", django_version=OLDEST_DJANGO)
    owner_edits(project)
    project.commit("Mine")
    later = [version for version in reversed(DJANGO) if version != OLDEST_DJANGO]
    assert later

    for version in (*later, "2028.0"):
        if version not in DJANGO:
            next_django(changing_template, version, python="3.13")
        run_copier("update", "--defaults", "--quiet", f"--data=django_version={version}", project.path)

        assert git(project.path, "diff", "--check") == ""
        fresh = changing_template.copy(tmp_path / version / "shop", django_version=version)
        owner_edits(fresh)
        assert differences(project.path, fresh.path) == set()
        project.commit(f"Django {version}")

    requirements = tomllib.loads((project.path / "pyproject.toml").read_text())["project"]
    assert requirements["requires-python"] == ">=3.13"
    assert "django>=2028.0,<2028.1" in requirements["dependencies"]
    assert "docs.djangoproject.com/en/2028.0/" in (project.path / "shop/settings.py").read_text()


def test_an_update_says_that_it_chose_another_django_when_the_old_one_is_gone(changing_template, tmp_path):
    project = changing_template.copy(tmp_path / "shop", django_version=OLDEST_DJANGO)
    remove_oldest_django(changing_template)

    said = run_copier("update", "--defaults", project.path)

    newest = next(iter(DJANGO))
    assert f'  django_version: "{OLDEST_DJANGO}" -> "{newest}"' in said.splitlines()
    assert f"django>={newest}," in (project.path / "pyproject.toml").read_text()


OLDEST_DJANGO = [*DJANGO][-1]


def next_django(template: Template, version: str, python: str) -> None:
    """Release the template with a Django that does not exist yet."""
    template.replace_in(
        "extensions/django.jinja", "versions = {", f'versions = {{\n  "{version}": {{"pythons": ["{python}"]}},'
    )
    template.release("v1.1.0")


def remove_oldest_django(template: Template) -> None:
    listed = (template.path / "extensions/django.jinja").read_text()
    line = re.search(rf'^  "{re.escape(OLDEST_DJANGO)}": .*\n', listed, flags=re.MULTILINE)
    assert line is not None
    template.replace_in("extensions/django.jinja", line[0], "")
    template.release("v1.1.0")


@pytest.fixture(params=["newest", "oldest"])
def copiers_python(request: pytest.FixtureRequest) -> Path | str:
    return request.getfixturevalue("copier_floor") if request.param == "oldest" else sys.executable


def test_an_update_over_a_version_that_asks_something_else(changing_template, tmp_path, copiers_python):
    # The version before asks another question, calls a choice otherwise and has a file elsewhere.
    ask(changing_template, "metrics")
    changing_template.replace_in("copier.yml", 'set by your pipeline": env', 'set by your pipeline": variable')
    changing_template.replace_in("extensions/naming.jinja", '"env":', '"variable":')
    move(changing_template, "release_static/views.py", "release_static/health.py")
    changing_template.release("v1.1.0")
    project = tmp_path / "shop"
    answers = ("--data=metrics=true", "--data=release_id_strategy=variable", "--data=docker=true")
    run_copier("copy", "--defaults", "--quiet", *answers, changing_template.path, project, python=copiers_python)
    assert (project / "metrics/apps.py").exists() and (project / "release_static/health.py").exists()
    Project(project).commit("Start")
    for name in ("copier.yml", "extensions/naming.jinja"):
        shutil.copy(ROOT / name, changing_template.path / name)
    shutil.rmtree(changing_template.path / "template/metrics")
    move(changing_template, "release_static/health.py", "release_static/views.py")
    ask(changing_template, "dashboard")
    changing_template.release("v1.2.0")

    said = run_copier("update", "--defaults", project, python=copiers_python)

    fresh = changing_template.copy(tmp_path / "fresh" / "shop", docker="true")
    # An update leaves the README alone, which names the command for each strategy.
    assert differences(project, fresh.path) == {"README.md"}
    lines = said.splitlines()
    assert "  metrics: true (no longer asked for)" in lines
    assert '  release_id_strategy: "variable" -> "git"' in lines
    assert not [line for line in lines if "docker" in line or "dashboard" in line]

    Project(project).commit("Update")
    said = run_copier("update", "--defaults", "--data=dashboard=true", project, python=copiers_python)

    assert (project / "dashboard/apps.py").exists()
    assert "answers changed" not in said


def guide(project: Project, heading: str) -> list[str]:
    """The commands below a heading of docs/updates.md, with this version of Copier instead of the newest."""
    sections = (project.path / "docs/updates.md").read_text().split("\n## ")
    section = next(section for section in sections if section.startswith(heading))
    commands = re.findall(r"```bash\n(.*?)```", section, flags=re.DOTALL)
    assert commands
    return [
        command.replace("uvx copier", f"{sys.executable} -m copier").replace("oldname", "shop") for command in commands
    ]


def test_the_guide_finds_and_restores_files_that_differ_from_the_template(release_1, tmp_path):
    project = release_1.copy(tmp_path / "shop")
    pristine = release_1.copy(tmp_path / "pristine" / "shop")
    owner_edits(project)
    mechanism = project.path / "release_static"
    (mechanism / "manifest.py").write_text("")
    (mechanism / "publishing" / "publish.py").unlink()
    (mechanism / "own.py").write_text("OWN = True\n")
    mine = project.commit("Mine")
    compare, restore = guide(project, "Files that differ")

    found = re.sub(r"\x1b\[\d+m", "", project.run("bash", "-euc", compare).stdout)

    assert {tuple(line.split()) for line in found.splitlines()} == {
        ("conflict", "release_static/manifest.py"),
        ("create", "release_static/publishing/publish.py"),
    }
    assert status(project) == "" and git(project.path, "rev-parse", "HEAD").strip() == mine

    project.run("bash", "-euc", restore)

    assert project.run("bash", "-euc", compare, check=False).stdout == ""
    assert differences(mechanism, pristine.path / "release_static") == {"own.py"}
    assert status(project) == ""
    changed = git(project.path, "diff", "--name-only", mine).splitlines()
    assert changed == ["release_static/manifest.py", "release_static/publishing/publish.py"]


def test_the_guide_of_an_existing_project_finds_and_restores_files_that_differ(release_1, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/manage.py").write_text("print('Ours')\n")
    project = Project(tmp_path / "shop")
    run_copier("copy", "--defaults", "--quiet", "--data=existing_project=yes", release_1.path, project.path)
    start = project.commit("Start")
    (project.path / "release_static/manifest.py").write_text("")
    project.commit("Mine")
    (compare,) = re.findall(
        r"```bash\nuvx (copier recopy .*)\n```", (project.path / "release_static/ADOPT.md").read_text()
    )
    compare = f"{sys.executable} -m {compare}"

    found = re.sub(r"\x1b\[\d+m", "", project.run("bash", "-euc", compare).stdout)

    assert found.split() == ["conflict", "release_static/manifest.py"]
    assert status(project) == ""

    project.run("bash", "-euc", compare.replace(" --pretend", ""))

    assert git(project.path, "diff", "--name-only", start) == ""


def test_the_guide_changes_an_answer(release_1, tmp_path):
    project = release_1.copy(tmp_path / "shop")
    (command,) = guide(project, "Change an answer")[:1]

    project.run("bash", "-euc", command)

    assert (project.path / "Dockerfile").exists() and (project.path / "uv.lock").exists()


def test_the_guide_renames_the_package_of_a_project_with_changes(release_1, tmp_path):
    project = release_1.copy(tmp_path / "shop")
    owner_edits(project)
    project.commit("Mine")

    project.run("bash", "-euc", guide(project, "Change an answer")[1])

    renamed = release_1.copy(tmp_path / "fresh" / "shop", package_name="newname")
    owner_edits(renamed, package="newname")
    assert git(project.path, "diff", "--check") == ""
    assert differences(project.path, renamed.path) <= {"README.md"}


def ask(template: Template, name: str) -> None:
    """Add a last question, which adds a folder with this name."""
    exclude = f'  - "{{% if not {name} | default(false) %}}/{name}{{% endif %}}"\n'
    template.replace_in("copier.yml", "  - __pycache__\n", f"  - __pycache__\n{exclude}")
    question = f"{name}:\n  type: bool\n  help: Add this folder?\n  default: false\n\n"
    template.replace_in("copier.yml", "# For _message_after_update.", f"{question}# For _message_after_update.")
    (template.path / "template" / name).mkdir()
    (template.path / "template" / name / "apps.py").write_text("")


def move(template: Template, old: str, new: str) -> None:
    (template.path / "template" / old).rename(template.path / "template" / new)


@pytest.fixture(scope="session")
def copier_floor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the oldest supported version of Copier."""
    floor = yaml.safe_load((ROOT / "copier.yml").read_text())["_min_copier_version"]
    folder = tmp_path_factory.mktemp("copier") / "venv"
    for command in (
        ["uv", "venv", "--quiet", str(folder)],
        ["uv", "pip", "install", "--quiet", "--python", str(folder), f"copier=={floor}"],
    ):
        subprocess.run(command, check=True, cwd=ROOT, env=environment())
    return folder / "bin" / "python"


def test_an_update_from_each_of_the_last_five_releases_and_the_last_commit(tmp_path):
    template = tmp_path / "template"
    subprocess.run(["git", "clone", "-q", ROOT, template], check=True, env=environment())
    tags = git(template, "tag", "--list", "v*", "--sort=-version:refname").split()[:5]
    for name in ("template", "extensions"):
        shutil.rmtree(template / name)
        shutil.copytree(ROOT / name, template / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "copier.yml", template)
    git(template, "add", "-A")
    git(template, "commit", "-qm", "Work tree", "--allow-empty")
    git(template, "tag", "-a", "v999.0.0", "-m", "Work tree")

    for tag in ("HEAD~1", *tags):
        project = tmp_path / tag / "shop"
        run_copier("copy", "--defaults", "--quiet", f"--vcs-ref={tag}", template, project)
        Project(project).commit("Start")
        run_copier("update", "--defaults", "--quiet", project)
        fresh = tmp_path / tag / "fresh" / "shop"
        run_copier("copy", "--defaults", "--quiet", template, fresh)
        # An update leaves the owner's files as they are.
        owners = ("README.md", "pages/templates/", "pages/static/", "static/")
        assert {name for name in differences(project, fresh) if not name.startswith(owners)} == set()


@pytest.mark.parametrize("host", [("gh", "github.com"), ("gl", "gitlab.com")], ids="-".join)
def test_a_short_address_is_recorded_as_one_that_other_tools_read(release_1, tmp_path, host):
    short, name = host
    # As if the host were this folder.
    hosted = tmp_path / "hosted" / "org" / "django-release-static.git"
    subprocess.run(["git", "clone", "-q", "--bare", release_1.path, hosted], check=True, env=environment())
    rewrite = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}/hosted/.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://{name}/",
    }

    for path in ("org/django-release-static", "/org/django-release-static", "org/django-release-static.git"):
        project = tmp_path / path.replace("/", "-")
        command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", f"{short}:{path}", project]
        subprocess.run(command, check=True, env=environment(**rewrite), stdin=subprocess.DEVNULL)

        answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
        assert answers["_src_path"] == f"https://{name}/org/django-release-static.git"


@pytest.mark.parametrize("address", [".", "../template", "{template}", "git+file://{template}"])
def test_a_project_made_from_a_clone_can_be_updated_from_anywhere(changing_template, tmp_path, address):
    project = tmp_path / "elsewhere" / "shop"
    address = address.format(template=changing_template.path)
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", address, project]
    subprocess.run(command, cwd=changing_template.path, check=True, env=environment(), stdin=subprocess.DEVNULL)
    Project(project).commit("Start")
    changing_template.replace("release_static/manifest.py", '"""The manifest', '"""This is the manifest')
    changing_template.release("v1.1.0")

    run_copier("update", "--defaults", "--quiet", project)

    assert (project / "release_static/manifest.py").read_text().startswith('"""This is the manifest')
