"""The questions, and the projects that Copier renders for every combination of answers."""

import ast
import itertools
import json
import keyword
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import copier
import pytest
import yaml

from tests.conftest import PACKAGES, PYTHONS, ROOT, made_once
from tests.project import Project, copy_template, run_copier
from tests.template import DJANGO, choices_of

STRATEGIES = list(choices_of("release_id_strategy").values())
COMBINATIONS = [
    {
        "django_version": django_version,
        "storage_backend": backend,
        "release_id_strategy": strategy,
        "cdn_domain": cdn,
        # No file depends on both, so every second combination is enough.
        "docker": "yes" if cdn else "no",
        # Nor does one depend on both of these.
        "compare_static_configs": "yes" if strategy in STRATEGIES[2::2] else "no",
    }
    for django_version, backend, strategy, cdn in itertools.product(
        DJANGO,
        choices_of("storage_backend").values(),
        STRATEGIES,
        ["", "static.example.com"],
    )
]


def name_of(combination: dict[str, str]) -> str:
    return "-".join(value for value in combination.values() if value)


def copy(template: Path, folder: Path, **answers: str) -> Path:
    copier.run_copy(str(template), folder, data=answers, defaults=True, quiet=True, unsafe=False)
    return folder


@pytest.mark.parametrize(
    ("folder", "package"),
    [
        ("my-site", "my_site"),
        ("My Site", "my_site"),
        ("123", "project_123"),
        ("class", "class_project"),
        ("Django", "django_project"),
        ("static", "static_project"),
        ("email", "email_project"),
        ("日本", "mysite"),
        ("  ", "mysite"),
        ("a--b", "a_b"),
        ("_", "mysite"),
        ("ünï", "n"),
    ],
)
def test_the_default_package_name_is_valid_for_every_folder(template, tmp_path, folder, package):
    project = copy(template, tmp_path / folder, **({"project_name": "Two spaces"} if not folder.strip() else {}))

    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    if folder.strip():
        assert answers["package_name"] == package
        assert answers["project_name"] == folder
    assert (project / answers["package_name"] / "settings.py").exists()
    assert answers["package_name"].isidentifier()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("  ", "Type a name"),
        ("My {{ shop }}", "Remove { and }"),
        ("My\nshop", "Remove the control character"),
        ("My\x7fshop", "Remove the control character"),
    ],
)
def test_a_project_name_that_does_not_work_is_refused_with_the_reason(template, tmp_path, answer, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        copy(template, tmp_path / "site", project_name=answer)

    assert not (tmp_path / "site").exists()


def test_project_names_are_free_text(template, tmp_path):
    name = """O'Reilly & "Söhne" \\ <日本> #1 'n' 100%"""

    project = copy(template, tmp_path / "site", project_name=name)

    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["description"] == name
    assert (project / "README.md").read_text().startswith(f"# {name}\n")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("my-site", 'Use letters, digits, _: not "-"'),
        ("my site", 'Use letters, digits, _: not " "'),
        ("site\n", "Use letters, digits, _"),
        ("日本", "Use letters, digits, _"),
        ("1site", "Begin with a letter, not with 1"),
        ("_private", "Begin with a letter, not with _"),
        ("", "Type a name: it is empty"),
        *((name, "Add _project: this name is taken") for name in ("class", "None", "Django", "json", "types", "site")),
        *(
            (name, "Add _project: this name is taken")
            for name in ("storages", "boto3", "environ", "static", "pages", "tests")
        ),
        *((name, "Add _project: this name is taken") for name in ("release_static", "tomllib", "ruff")),
    ],
)
def test_a_package_name_that_does_not_work_is_refused_with_the_reason(template, tmp_path, answer, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        copy(template, tmp_path / "site", package_name=answer)

    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("answer", ["shop", "Shop", "shop_2", "x"])
def test_a_package_name_that_works_is_accepted(template, tmp_path, answer):
    assert (copy(template, tmp_path / "site", package_name=answer) / answer / "urls.py").exists()


def test_no_module_of_the_standard_library_and_no_keyword_can_be_hidden(template):
    listed = set((template / "extensions" / "reserved.jinja").read_text().replace('"', " ").split())

    missing = {
        name.lower() for name in (*sys.stdlib_module_names, *keyword.kwlist) if not name.startswith("_")
    } - listed
    assert not missing


@pytest.mark.parametrize("answer", ["static.example.com", "d111111abcdef8.cloudfront.net", "xn--bcher-kva.example", ""])
def test_a_host_name_is_accepted(template, tmp_path, answer):
    settings = (copy(template, tmp_path / "site", cdn_domain=answer) / "site_project" / "settings.py").read_text()

    assert (f'"https://{answer}"' if answer else '"/static/"') in settings


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("https://static.example.com", "Remove the scheme"),
        ("static.example.com/", "Remove the path"),
        ("static.example.com/path", "Remove the path"),
        ("static.example.com:8080", "Remove the port"),
        ("static.example.com\n", "Remove the spaces"),
        (" static.example.com", "Remove the spaces"),
        ("localhost", "Add the domain"),
        ("-a.example.com", "Check it"),
        ("a..example.com", "Check it"),
        (".".join(["a" * 60] * 5), "Check it"),
        ("192.168.0.1", "Use a host name, not an IP address"),
        ("[::1]", "Use a host name, not an IP address"),
        ("2001:db8::1", "Use a host name, not an IP address"),
        ("Static.Example.com", "Use lower case"),
    ],
)
def test_what_is_no_host_name_is_refused_with_the_reason(template, tmp_path, answer, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        copy(template, tmp_path / "site", cdn_domain=answer)


def by_command(template: Path, shared: Path, combination: dict[str, str]) -> Path:
    """The project of a shop with these answers, by Copier's own command. Tests only read or copy it."""
    data = [f"--data={name}={value}" for name, value in ({"project_name": "Shop"} | combination).items()]
    return made_once(
        shared / "by-command" / name_of(combination),
        lambda folder: run_copier("copy", "--defaults", "--quiet", *data, template, folder),
    )


@pytest.mark.long
def test_copiers_command_renders_every_combination_without_trust_as_if_written_by_hand(template, shared):
    folders = [by_command(template, shared, combination) for combination in COMBINATIONS]

    for command in (["check"], ["format", "--check"]):
        ruff = subprocess.run(["ruff", *command, "--no-cache", *folders], capture_output=True, text=True, check=False)
        assert ruff.returncode == 0, ruff.stdout + ruff.stderr
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        text = path.read_text()
        assert not re.search(r"\{%-|-%\}|\{\{ _copier|[ \t]\n|\A\n|\n\n\Z|[^\n]\Z", text), path
        assert "\n\n\n" not in text or path.suffix == ".py", path
        if path.suffix == ".py":
            ast.parse(text)
        if path.name == "pyproject.toml":
            tomllib.loads(text)


@pytest.mark.parametrize("combination", COMBINATIONS, ids=name_of)
def test_every_combination_publishes(template, shared, tmp_path, virtual_environment, server, bucket_name, combination):
    backend = combination["storage_backend"]
    python = virtual_environment(combination["django_version"], *PACKAGES[backend])
    folder = shutil.copytree(by_command(template, shared, combination), tmp_path / "shop")
    project = Project(folder, python, server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name})

    script = (
        "from django.core.management import call_command\n"
        "from django.templatetags.static import static\n"
        "call_command('collectstatic', interactive=False)\n"
        "call_command('check', deploy=True)\n"
        "print(static('example.txt'))\n"
    )
    variables = {"RELEASE_ID": "one", "DJANGO_SECRET_KEY": "s" * 60, "DJANGO_ALLOWED_HOSTS": "example.com"}

    said = project.manage("shell", "-v0", "-c", script, check=True, **variables).stdout

    assert "Release one: " in said
    folder = "static-custom" if combination["compare_static_configs"] == "yes" and backend != "s3" else "static"
    manifest, there = published(project, backend, folder, server, bucket_name)
    paths = manifest["paths"]
    assert "admin/css/base.css" in paths and "pages/home.css" in paths and "example.txt" in paths
    assert {*paths, *paths.values(), ".releases/one/staticfiles.json"} <= there
    own = f"{server.endpoint}/{bucket_name}" if backend == "s3" else ""
    if folder == "static-custom":
        own = "http://localhost:8080"
    host = "https://static.example.com" if combination["cdn_domain"] else own
    assert f"{host}/{folder}/{paths['example.txt']}" in said.split()


def published(project, backend, folder, server, bucket_name):
    """The manifest of release one, and the names of all published files."""
    name = ".releases/one/staticfiles.json"
    if backend == "s3":
        body = server.client().get_object(Bucket=bucket_name, Key=f"static/{name}")["Body"].read()
        return json.loads(body), {key.removeprefix("static/") for key in server.names(bucket_name)}
    root = project.path / "public" / folder
    return json.loads((root / name).read_bytes()), {
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_an_id_every_strategy_says_what_it_asked_for(render, virtual_environment, strategy):
    project = render(python=virtual_environment("6.1"), release_id_strategy=strategy)

    done = project.manage("collectstatic", "--noinput", check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: This release has no valid id. Checked in this order:")
    assert "the variable RELEASE_ID: not set" in done.stderr
    assert f"{project.path}/REVISION: not found" in done.stderr
    assert "release_static.release_id_strategies." in done.stderr
    assert "cannot be imported" not in done.stderr
    assert not (project.path / "public").exists()


@pytest.mark.parametrize(
    ("django_version", "storage_backend"),
    list(itertools.product(PYTHONS, choices_of("storage_backend").values())),
)
def test_the_documented_commands_and_the_workflow_work_as_they_stand(
    render, server, bucket_name, django_version, storage_backend
):
    project = render(django_version=django_version, storage_backend=storage_backend)
    project.variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name}
    project.commit("Start")
    commands = re.findall(r"```bash\n(.*?)```", (project.path / "README.md").read_text(), flags=re.DOTALL)
    assert commands

    for command in commands:
        if "pip install" not in command:
            project.run("bash", "-euc", command.replace("uv run manage.py runserver\n", ""))
    manifests = [*(project.path / "public").rglob("staticfiles.json"), *server.names(bucket_name)]
    assert sum(str(manifest).endswith("/staticfiles.json") for manifest in manifests) == 1

    # Which git ignores.
    (project.path / ".env").unlink()
    workflow = yaml.safe_load((project.path / ".github/workflows/test.yml").read_text())["jobs"]["test"]
    steps = [step for step in workflow["steps"] if "run" in step]
    assert len(steps) >= 5
    for step in steps:
        project.run("bash", "-euc", step["run"], **step.get("env", {}))


def test_the_workflow_for_the_next_django_makes_and_checks_a_project(tmp_path):
    clone = Project(copy_template(tmp_path / "clone"))
    clone.commit("Clone")
    job = yaml.safe_load((ROOT / ".github/workflows/django.yml").read_text())["jobs"]["next"]
    (step,) = [step for step in job["steps"] if step.get("name") == "A project"]

    for django in [django for django in job["strategy"]["matrix"]["django"] if "git+" not in django]:
        done = clone.run("bash", "-euc", step["run"], DJANGO=django)

        assert "System check identified no issues" in done.stdout
        assert "Release first is intact" in done.stdout
