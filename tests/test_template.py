"""Mistakes in the template's files that Copier, Windows or git would not report."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import jinja2
import pytest
import yaml
from copier._template import Template
from copier._user_data import Question

from tests.conftest import ROOT
from tests.template import DJANGO, QUESTIONS, SETTINGS, choices_of, default_of

# The order that other tools and people rely on.
CONTRACT = [
    "existing_project",
    "project_name",
    "package_name",
    "django_version",
    "storage_backend",
    "release_id_strategy",
    "cdn_domain",
    "docker",
    "compare_static_configs",
]
TRACKED = [
    Path(line)
    for line in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if (ROOT / line).is_file()
]


def test_copier_knows_every_key_of_a_question():
    known = {field for field in Question.__dataclass_fields__ if field not in {"var_name", "answers", "jinja_env"}}
    questions = {name: question for name, question in SETTINGS.items() if not name.startswith("_")}

    assert {name: set(question) - known for name, question in questions.items() if set(question) - known} == {}


def test_copier_knows_every_setting():
    template = Template(str(ROOT))
    settings = {name.removeprefix("_") for name in SETTINGS if name.startswith("_")}

    # Copier's own name for this one is another.
    settings.remove("answers_file")
    assert template.answers_relpath.name.startswith(".copier-answers")
    assert {name for name in settings if not hasattr(template, name)} == set()


def test_no_setting_needs_trust():
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(SETTINGS)


def test_settings_that_an_update_renders_with_old_answers_have_a_default_for_each():
    # A project that was made before a question was asked has no answer to it.
    for setting in (*SETTINGS["_exclude"], *SETTINGS.get("_skip_if_exists", [])):
        tree = jinja2.Environment().parse(setting)
        defaults = [
            (filtered.node.name, filtered.args[0].as_const())
            for filtered in tree.find_all(jinja2.nodes.Filter)
            if filtered.name == "default" and isinstance(filtered.node, jinja2.nodes.Name)
        ]
        answers = [name.name for name in tree.find_all(jinja2.nodes.Name) if not name.name.startswith("_copier_")]

        assert sorted(answers) == sorted(name for name, _ in defaults), setting
        for name, default in defaults:
            # Where nobody was asked yet, the project was generated.
            assert default == (False if name == "existing_project" else default_of(name)), setting


def test_the_questions_come_in_the_order_of_the_contract():
    assert list(QUESTIONS) == [name for name in CONTRACT if name in QUESTIONS]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_has_a_type_a_default_and_a_help_that_asks(name):
    question = QUESTIONS[name]

    assert question["type"] in {"str", "bool"}
    assert "default" in question
    assert "?" in question["help"]


@pytest.mark.parametrize("name", [name for name, question in QUESTIONS.items() if "choices" in question])
def test_every_choice_says_what_it_is_and_the_default_is_one(name):
    choices = choices_of(name)

    assert default_of(name) in choices.values()
    for label, choice in choices.items():
        assert label.startswith(choice) and len(label) > len(choice) + 10


def test_the_table_of_questions_in_the_readme_is_that_of_the_file():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \|$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    table = {name: (sets, default) for name, sets, default in rows if name in CONTRACT}

    assert list(table) == list(QUESTIONS)
    for name, question in QUESTIONS.items():
        sets, default = table[name]
        if choices := choices_of(name):
            assert [choice for choice in re.findall(r"`(\w[\w.]*)`", sets) if choice in choices.values()] == list(
                choices.values()
            )
            assert default == f"`{default_of(name)}`"
        elif isinstance(question["default"], bool):
            assert default == ("yes" if question["default"] else "no")


def test_the_table_of_variables_has_those_that_a_project_reads():
    table = (ROOT / "docs" / "environment-variables.md").read_text()
    rows = re.findall(r"^\| (`[A-Z_0-9`, ]+`) \|", table, flags=re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    examples = (ROOT / "template" / ".env.example.jinja").read_text()

    assert documented == set(re.findall(r"^(?:# )?([A-Z][A-Z_0-9]+)=", examples, flags=re.MULTILINE))


def test_every_name_can_be_held_by_windows():
    reserved = {"con", "prn", "aux", "nul", *(f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10))}
    for path in TRACKED:
        assert not re.search(r'[<>:"|?*\\]|[. ]$', str(path)), path
        assert not reserved & {part.partition(".")[0].lower() for part in path.parts}, path


def test_line_ends_are_those_of_unix_here_and_in_projects():
    for path in (ROOT / ".gitattributes", ROOT / "template" / ".gitattributes"):
        assert path.read_text().splitlines()[0] == "* text=auto eol=lf"
    for path in TRACKED:
        assert b"\r" not in (ROOT / path).read_bytes() or path.suffix in {".png"}, path


def test_python_files_without_jinja_are_python():
    for path in TRACKED:
        if path.suffix == ".py":
            ast.parse((ROOT / path).read_text(), str(path))


def test_the_mechanism_has_no_jinja():
    mechanism = {path for path in TRACKED if path.is_relative_to("template/release_static")}
    # Only in projects that exist, and under names that no tool reads here.
    adoption = {Path(f"template/release_static/{name}.jinja") for name in ("ADOPT.md", "ruff.toml", ".gitattributes")}

    assert adoption < mechanism
    assert [path for path in mechanism - adoption if path.suffix not in {".py", ""}] == []


def test_no_lock_file_is_kept():
    assert [path for path in TRACKED if path.name in {"uv.lock", "poetry.lock", "package-lock.json"}] == []


def changes(changelog: str, version: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The part of this changelog that the release workflow publishes."""
    (folder / ".github").mkdir()
    shutil.copy(ROOT / ".github" / "changes", folder / ".github")
    (folder / "CHANGELOG.md").write_text(changelog)
    return subprocess.run([folder / ".github" / "changes", version], capture_output=True, text=True, check=False)


def test_a_release_says_what_changed_since_the_one_before(tmp_path):
    released = re.sub(
        r"^(## \[.+?\] - ).*$", r"\g<1>2027-01-31", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE
    )
    changelog = released.replace("## [", "## [9.9.9] - 2027-02-28\n\n### Fixed\n\n- Much.\n\n## [", 1)

    done = changes(changelog, "9.9.9", tmp_path)

    assert (done.returncode, done.stdout) == (0, "\n### Fixed\n\n- Much.\n\n")


@pytest.mark.parametrize(
    ("heading", "version"),
    [("9.9.9] - unreleased", "9.9.9"), ("9.9.9] - 2027-02-28", "9.9.8"), ("9x9] - 2027-02-28", "9.9")],
)
def test_nothing_is_released_but_the_newest_version_with_a_date(tmp_path, heading, version):
    done = changes(f"# Changelog\n\n## [{heading}\n\n- Much.\n", version, tmp_path)

    assert done.returncode == 1
    assert done.stdout == ""
    assert f"## [{heading}" in done.stderr and f"## [{version}] - " in done.stderr


WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def actions(text: str) -> set[str]:
    return set(re.findall(r"uses: (\S+ # \S+)", text))


def test_a_projects_workflow_uses_the_actions_that_this_repositorys_do():
    ours = set().union(*(actions(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")))
    theirs = actions((ROOT / "template" / ".github" / "workflows" / "test.yml.jinja").read_text())

    assert theirs and theirs <= ours
    assert len({action.partition("@")[0] for action in ours}) == len(ours)
    assert all(re.search(r"@[0-9a-f]{40} # v\d", action) for action in ours)


def test_ci_tests_the_mechanism_with_each_django_on_each_python():
    matrix = WORKFLOWS["test.yml"]["jobs"]["mechanism"]["strategy"]["matrix"]["include"]

    assert sorted((entry["django"], entry["python"]) for entry in matrix) == sorted(
        (django, python) for django, pythons in DJANGO.items() for python in pythons
    )


def test_the_python_of_a_new_project_runs_each_django():
    python = (ROOT / "template" / ".python-version").read_text().strip()

    assert {version for version, pythons in DJANGO.items() if python not in pythons} == set()


def test_the_forms_for_issues_are_forms():
    forms = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]

    assert forms
    for path in forms:
        form = yaml.safe_load(path.read_text())
        assert {"name", "description", "body"} <= set(form)
        assert len({field["id"] for field in form["body"]}) == len(form["body"])
        assert all(field["attributes"]["label"] for field in form["body"])
