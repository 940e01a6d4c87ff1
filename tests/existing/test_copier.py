"""`copier copy` and `copier update` in existing projects."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.project import Project, environment, run_copier
from tests.test_update import (  # noqa: F401 (fixtures)
    Template,
    changing_template,
    copier_floor,
    files,
    release_1,
    status,
)

ANSWERS = ".copier-answers.release-static.yml"
# The answers of another template, some of them to questions that this one has too.
OTHERS = (
    "_commit: v1\n_src_path: https://example.com/template.git\ndocker: true\npackage_name: shop\nproject_name: Shop\n"
)


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A committed project that was made with another template."""
    shop = Project(tmp_path / "[shop]")
    (shop.path / "shop").mkdir(parents=True)
    for name in ("manage.py", "README.md", "pyproject.toml", ".gitignore", "shop/settings.py"):
        (shop.path / name).write_text(f"# {name} of the shop\n")
    (shop.path / ".copier-answers.yml").write_text(OTHERS)
    shop.commit("The shop")
    return shop


def adopt(template: Template, project: Project, *options: str, python: Path | str = sys.executable) -> None:
    run_copier("copy", "--defaults", "--quiet", *options, template.path, project.path, python=python)
    project.commit("Add release_static")


def changed(project: Project) -> list[str]:
    return project.run("git", "diff", "--name-only", "HEAD").stdout.split()


@pytest.mark.parametrize("backend", ["filesystem", "s3"])
def test_a_project_that_exists_gets_one_folder_and_one_file(release_1, shop, backend):  # noqa: F811
    before = files(shop.path)

    adopt(release_1, shop, f"--data=storage_backend={backend}", "--data=release_id_strategy=env")

    assert shop.run("git", "diff", "--name-only", "--diff-filter=a", "HEAD~1", "HEAD").stdout == ""
    added = files(shop.path) - before
    assert {name.partition("/")[0] for name in added} == {"release_static", ANSWERS}
    assert {"release_static/ADOPT.md", "release_static/ruff.toml", "release_static/.gitattributes"} <= added
    assert ("release_static/s3/storage.py" in added) == (backend == "s3")
    answers = yaml.safe_load((shop.path / ANSWERS).read_text())
    assert {name: answer for name, answer in answers.items() if not name.startswith("_")} == {
        "existing_project": True,
        "release_id_strategy": "env",
        "storage_backend": backend,
    }


@pytest.mark.parametrize(("file", "existing"), [("manage.py", True), ("README.md", False)])
def test_a_project_exists_where_there_is_a_manage_py(release_1, tmp_path, file, existing):  # noqa: F811
    (tmp_path / file).touch()

    run_copier("copy", "--defaults", "--quiet", "--overwrite", release_1.path, tmp_path)

    assert (tmp_path / ANSWERS).exists() == existing
    assert (tmp_path / "pyproject.toml").exists() != existing
    assert (tmp_path / "release_static" / "ADOPT.md").exists() == existing


@pytest.mark.parametrize("version", ["newest", "oldest"])
def test_an_update_to_the_same_release_changes_nothing(release_1, shop, copier_floor, version):  # noqa: F811
    python = sys.executable if version == "newest" else copier_floor
    adopt(release_1, shop, python=python)

    run_copier("update", "--defaults", "--quiet", "-a", ANSWERS, shop.path, python=python)

    assert status(shop) == ""


def test_an_update_brings_improvements_and_leaves_the_project_alone(changing_template, shop):  # noqa: F811
    adopt(changing_template, shop)
    manifest = shop.path / "release_static/manifest.py"
    manifest.write_text(f"{manifest.read_text()}\n# Ours\n")
    shop.commit("A change of ours")
    changing_template.replace("release_static/manifest.py", '"""The manifest', '"""This is the manifest')
    changing_template.replace("manage.py.jinja", "import os", "import os  # as ever")
    (changing_template.path / "template" / "release_static" / "new.py").write_text("NEW = True\n")
    changing_template.release("v1.1.0")

    run_copier("update", "--defaults", "--quiet", "-a", ANSWERS, shop.path)

    assert changed(shop) == [ANSWERS, "release_static/manifest.py"]
    assert status(shop).splitlines()[-1] == "?? release_static/new.py"
    text = manifest.read_text()
    assert text.startswith('"""This is the manifest') and text.endswith("# Ours\n")
    assert (shop.path / ".copier-answers.yml").read_text() == OTHERS


def test_an_update_of_a_folder_in_the_repository_changes_nothing_outside(changing_template, shop):  # noqa: F811
    backend = Project(shop.path / "backend")
    backend.path.mkdir()
    shop.run("git", "mv", "manage.py", "backend/")
    run_copier("copy", "--defaults", "--quiet", changing_template.path, backend.path)
    shop.commit("A backend")
    changing_template.replace("release_static/manifest.py", '"""The manifest', '"""This is the manifest')
    changing_template.release("v1.1.0")

    run_copier("update", "--defaults", "--quiet", "-a", ANSWERS, backend.path)

    assert changed(shop) == [f"backend/{ANSWERS}", "backend/release_static/manifest.py"]


def test_a_generated_project_from_before_the_question_is_updated_as_one(release_1, tmp_path):  # noqa: F811
    project = release_1.copy(tmp_path / "shop")
    answers = project.path / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("existing_project: false\n", ""))
    project.commit("As recorded then")

    run_copier("update", "--defaults", "--quiet", "--data=release_id_strategy=file", project.path)

    assert {name.partition("/")[0] for name in changed(project)} > {".copier-answers.yml", "shop"}
    recorded = yaml.safe_load(answers.read_text())
    assert (recorded["existing_project"], recorded["release_id_strategy"]) == (False, "file")
    assert "revision_file" in (project.path / "shop/settings.py").read_text()
    assert not (project.path / ANSWERS).exists()


def test_copying_again_changes_nothing(release_1, shop):  # noqa: F811
    adopt(release_1, shop)

    run_copier("copy", "--defaults", "--quiet", "--overwrite", "-a", ANSWERS, release_1.path, shop.path)

    assert status(shop) == ""


@pytest.mark.parametrize("version", ["newest", "oldest"])
@pytest.mark.parametrize("way", ["..", "link"])
@pytest.mark.parametrize("existing", [True, False])
def test_every_path_to_the_project_works_each_time(release_1, shop, copier_floor, version, way, existing):  # noqa: F811
    python = sys.executable if version == "newest" else copier_floor
    folder = shop.path if existing else shop.path.with_name("new")
    folder.mkdir(exist_ok=True)
    if way == "..":
        path = os.path.relpath(folder)
    else:
        path = shop.path.with_name("link")
        path.symlink_to(folder)
    copy = ("copy", "--defaults", "--quiet", "--overwrite", release_1.path, path)

    run_copier(*copy, python=python)
    project = Project(folder)
    project.commit("Copied")
    run_copier(*copy, python=python)
    recorded = ANSWERS if existing else ".copier-answers.yml"
    run_copier("recopy", "--defaults", "--quiet", "--overwrite", "-a", recorded, path, python=python)

    assert status(project) == ""
    assert yaml.safe_load((folder / recorded).read_text())["existing_project"] == existing


@pytest.mark.parametrize(
    ("file", "answer"),
    [
        ("release_static/__init__.py", []),
        ("release_static/api/views.py", ["--data=existing_project=yes"]),
        ("release_static.py", ["--data=existing_project=no"]),
    ],
)
def test_a_release_static_of_someone_else_is_refused(template, shop, file, answer):
    (shop.path / file).parent.mkdir(parents=True, exist_ok=True)
    (shop.path / file).write_text("# of the shop\n")
    shop.commit("Something else")

    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--overwrite", *answer, template, shop.path]
    done = subprocess.run(
        command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert f"release_static in {shop.path}: it was not made by this template, so nothing was copied. " in done.stderr
    assert "Traceback" not in done.stderr
    assert status(shop) == ""


def test_the_formatter_of_the_project_leaves_the_folder_alone(release_1, shop):  # noqa: F811
    (shop.path / "pyproject.toml").write_text('[tool.ruff]\nline-length = 60\nlint.select = ["D", "I", "PTH"]\n')
    for name in ("manage.py", "shop/settings.py", "shop/__init__.py"):
        (shop.path / name).write_text('"""Of the shop."""\n')
    adopt(release_1, shop)

    for command in (["check", "--fix"], ["format"]):
        done = subprocess.run(
            ["ruff", *command, "--no-cache", "."], cwd=shop.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    assert status(shop) == ""
