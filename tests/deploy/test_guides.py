"""The guides in docs/ and README.md, as a reader follows them."""

import itertools
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import kubernetes_validate
import pytest
import yaml
from botocore.session import get_session
from botocore.validate import ParamValidator

from tests.conftest import PACKAGES
from tests.deploy.http import get
from tests.guide import blocks
from tests.project import ROOT, Project, run_copier
from tests.servers import Server, free_port

QUESTIONS = yaml.safe_load((ROOT / "copier.yml").read_text())
BACKENDS = list(QUESTIONS["storage_backend"]["choices"].values())
STRATEGIES = list(QUESTIONS["release_id_strategy"]["choices"].values())
PLATFORMS = [strategy for strategy in STRATEGIES if strategy not in {"git", "env", "file"}]


def guides(project: Project) -> list[Path]:
    return [project.path / "README.md", *sorted((project.path / "docs").glob("*.md"))]


def anchors(guide: Path) -> set[str]:
    """The names of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", guide.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.fixture(params=itertools.product(BACKENDS, STRATEGIES), ids="-".join)
def documented(request: pytest.FixtureRequest, render: Callable[..., Project]) -> Project:
    """A project with all guides of these answers."""
    backend, strategy = request.param
    # No guide depends on both of these.
    also = strategy in STRATEGIES[::2]
    return render(
        storage_backend=backend, release_id_strategy=strategy, docker=also, compare_static_configs=also, cdn_domain=""
    )


def test_links_lead_somewhere(documented):
    broken = []
    for guide in guides(documented):
        for link in re.findall(r"\]\(([^)]+)\)", guide.read_text()):
            if link.startswith("https://"):
                continue
            name, _, anchor = link.partition("#")
            target = guide.parent / name if name else guide
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{guide.name}: {link}")
    assert broken == []


def test_there_is_one_guide_for_a_platform_and_else_one_for_a_server_and_one_for_kubernetes(documented):
    strategy = yaml.safe_load((documented.path / ".copier-answers.yml").read_text())["release_id_strategy"]
    names = {path.stem.removeprefix("deploy-") for path in (documented.path / "docs").glob("deploy-*.md")}

    assert names - {"cloudfront"} == ({strategy} if strategy in PLATFORMS else {"server", "kubernetes"})
    assert (documented.path / "deploy").exists() == (strategy not in PLATFORMS)


def test_every_block_is_what_it_says(documented):
    parsers: dict[str, Callable[[str], object]] = {"json": json.loads, "toml": tomllib.loads}
    seen = set()
    for guide in guides(documented):
        for block in blocks(guide):
            seen.add(block.language)
            if block.language == "bash":
                checked = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
                assert checked.stderr == "", block.text
            elif block.language == "yaml":
                # Kamal renders ERB first.
                assert list(yaml.safe_load_all(re.sub("<%=.*?%>", "value", block.text)))
            elif block.language in parsers:
                parsers[block.language](block.text)
    assert {"bash", "yaml"} <= seen


@pytest.mark.parametrize("backend", BACKENDS)
def test_kubernetes_takes_its_documents(render, backend):
    project = render(storage_backend=backend, docker=True)
    documents = [
        document
        for block in blocks(project.path / "docs" / "deploy-kubernetes.md")
        if block.language == "yaml"
        for document in yaml.safe_load_all(block.text)
    ]
    assert {"Deployment", "Service", "Job", "CronJob"} <= {document["kind"] for document in documents}
    for document in documents:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_cloudfront_takes_its_document():
    guide = ROOT / "template" / "docs" / "deploy-cloudfront.md"
    (distribution,) = (block for block in blocks(guide) if block.file == "distribution.json")
    cloudfront = get_session().create_client("cloudfront", "us-east-1")
    expected = cloudfront.meta.service_model.operation_model("CreateDistribution").input_shape

    checked = ParamValidator().validate({"DistributionConfig": json.loads(distribution.text)}, expected)

    assert checked.generate_report() == ""


def test_the_commands_of_the_platforms_deploy_and_start_the_site(
    render, virtual_environment, server, bucket_name, start, tmp_path
):
    python = virtual_environment("6.1", "gunicorn", *PACKAGES["s3"])
    for platform in PLATFORMS:
        project = render(platform, python=python, storage_backend="s3", release_id_strategy=platform)
        database = f"sqlite:///{tmp_path}/{platform}.sqlite3"
        project.variables = server.variables | {
            "AWS_STORAGE_BUCKET_NAME": bucket_name,
            "DATABASE_URL": database,
            # Their files are the same.
            "RELEASE_ID": "one",
        }
        text = (project.path / "docs" / f"deploy-{platform}.md").read_text()

        for command in set(re.findall(r"python manage\.py (migrate --noinput|collectstatic --noinput)", text)):
            project.manage(*command.split())
        assert project.manage("migrate", "--check").returncode == 0
        # Fly.io and Kamal run the command in the Dockerfile.
        for command in set(re.findall(r'gunicorn [^"`\n]*\.wsgi', text)):
            port = free_port()
            process = start(project, *shlex.split(command), PORT=str(port)).until_listening(port)
            assert json.loads(get(port, "/healthz").body)["release"] == "one"
            process.stop()


def test_without_uv_the_readme_needs_python_and_pip_alone(render):
    project = render()
    project.commit("Start")
    readme = project.path / "README.md"
    commands = [block.text for block in blocks(readme)]
    (install,) = (text for text in commands if "pip install" in text)
    work = "".join(text for text in commands if text != install).replace("uv run manage.py", "python manage.py")
    work = work.replace("uv run ", "").replace("python manage.py runserver\n", "")
    assert "pytest" in work and "collectstatic" in work and "uv" not in work

    project.run("bash", "-euc", install + work)

    assert project.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"release_id_strategy": "env", "docker": "yes"},
        {"release_id_strategy": "heroku"},
        {"storage_backend": "s3", "compare_static_configs": "yes"},
        {"storage_backend": "s3", "release_id_strategy": "fly"},
    ],
    ids=lambda answers: "-".join(answers.values()) or "default",
)
def test_the_commands_that_copier_prints_work(template, tmp_path, answers):
    data = [f"--data={name}={value}" for name, value in answers.items()]
    said = run_copier("copy", "--defaults", *data, template, tmp_path / "My Site")
    commands = "\n".join(re.findall(r"^  (\S.*)$", said.partition("is ready.")[2], re.MULTILINE))
    project = Project(tmp_path / "My Site")

    project.run("bash", "-euc", f"cd /\n{commands}")

    assert project.run("git", "status", "--porcelain").stdout == ""
    assert "uv.lock" in project.run("git", "ls-files").stdout.splitlines()
    published = list((project.path / "public").rglob("staticfiles.json"))
    assert len(published) == ("storage_backend" not in answers)


def test_a_release_is_published_to_and_served_from_the_s3_server_that_the_guide_starts(render, start):
    project = render(storage_backend="s3")
    port, site = free_port(), free_port()
    run_server, publish = (
        block.text.replace("5000", str(port))
        for block in blocks(project.path / "docs" / "s3.md")
        if "moto_server" in block.text or "collectstatic" in block.text
    )
    *commands, run_site = publish.splitlines()
    [command] = run_server.splitlines()
    s3 = Server.start(shlex.split(command), project.path, project.path.parent / "moto.log").until_listening(port)
    try:
        project.run("bash", "-euc", "\n".join([*commands, "env -0 > ../variables"]))
        variables = (project.path.parent / "variables").read_text()
        exported = dict(line.split("=", 1) for line in variables.split("\0") if "=" in line)
        served = Server.start(
            shlex.split(run_site), project.path, project.path.parent / "site.log", **exported | {"PORT": str(site)}
        ).until_listening(site)
        try:
            [style] = re.findall(
                r'href="(http://127\.0\.0\.1:\d+/my-bucket/static/[^"]+\.css)"', get(site, "/").body.decode()
            )
            with urlopen(style) as answer:
                assert answer.read() == (project.path / "pages" / "static" / "pages" / "home.css").read_bytes()
        finally:
            served.stop()
    finally:
        s3.stop()


def test_the_workflow_prunes_as_the_release_that_is_live(render, server, bucket_name, virtual_environment, start):
    project = render(python=virtual_environment("6.1", "gunicorn", *PACKAGES["s3"]), storage_backend="s3")
    project.variables = server.variables | {"AWS_STORAGE_BUCKET_NAME": bucket_name}
    for release in ("one", "two", "three"):
        project.manage("collectstatic", "--noinput", RELEASE_ID=release)
    port = free_port()
    start(project, "gunicorn", "--preload", "my_site.wsgi", RELEASE_ID="one", PORT=str(port)).until_listening(port)
    [workflow] = (block.text for block in blocks(project.path / "docs" / "releases.md") if "name: Prune" in block.text)
    [step] = (step for step in yaml.safe_load(workflow)["jobs"]["prune"]["steps"] if "run" in step)
    assert step["run"].endswith("releases prune\n")

    project.run("bash", "-euc", f"{step['run'].rstrip()} --keep=1 --days=0", SITE=f"http://127.0.0.1:{port}")

    kept = {name.split("/")[2] for name in server.names(bucket_name) if name.endswith("/staticfiles.json")}
    assert kept == {"one", "three"}
