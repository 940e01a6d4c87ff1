"""The guides in docs/ and README.md, as a reader follows them."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import kubernetes_validate
import pytest
import yaml
from botocore.session import get_session
from botocore.validate import ParamValidator

from tests.deploy.http import get
from tests.guide import blocks
from tests.project import ROOT, Project, environment
from tests.servers import DEADLINE, Server, free_port

QUESTIONS = yaml.safe_load((ROOT / "copier.yml").read_text())
BACKENDS = list(QUESTIONS["storage_backend"]["choices"].values())


def guides(project: Project) -> list[Path]:
    return [project.path / "README.md", *sorted((project.path / "docs").glob("*.md"))]


def anchors(guide: Path) -> set[str]:
    """The names of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", guide.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.fixture(params=BACKENDS)
def documented(request: pytest.FixtureRequest, render: Callable[..., Project]) -> Project:
    """A project with all of its guides."""
    return render(storage_backend=request.param, docker=True)


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


def test_every_block_is_what_it_says(documented):
    parsers: dict[str, Callable[[str], object]] = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}
    seen = set()
    for guide in guides(documented):
        for block in blocks(guide):
            seen.add(block.language)
            if block.language == "bash":
                checked = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
                assert checked.stderr == "", block.text
            elif block.language in parsers:
                parsers[block.language](block.text)
    assert {"bash", "json", "toml", "yaml"} <= seen


def test_kubernetes_takes_its_documents(documented):
    documents = [
        document
        for guide in guides(documented)
        for block in blocks(guide)
        if block.language == "yaml"
        for document in yaml.safe_load_all(block.text)
        if isinstance(document, dict) and "apiVersion" in document
    ]
    assert {"Deployment", "Job"} <= {document["kind"] for document in documents}
    for document in documents:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_cloudfront_takes_its_document():
    guide = ROOT / "template" / "docs" / "deploy-cloudfront.md"
    (distribution,) = (block for block in blocks(guide) if block.file == "distribution.json")
    cloudfront = get_session().create_client("cloudfront", "us-east-1")
    expected = cloudfront.meta.service_model.operation_model("CreateDistribution").input_shape

    checked = ParamValidator().validate({"DistributionConfig": json.loads(distribution.text)}, expected)

    assert checked.generate_report() == ""


def test_the_commands_that_start_the_site_do(render, virtual_environment, start):
    project = render(python=virtual_environment("6.1", "gunicorn"))
    project.manage("collectstatic", "--noinput", RELEASE_ID="one")
    text = (project.path / "docs" / "deploy.md").read_text()
    commands = set(re.findall(r'gunicorn [^"`\n]*my_site\.wsgi', text))
    assert commands
    for command in commands:
        port = free_port()
        process = start(project, *shlex.split(command), PORT=str(port), RELEASE_ID="one").until_listening(port)
        assert json.loads(get(port, "/healthz").body)["release"] == "one"
        process.stop()


class Host:
    """What the guide to a server makes of one, in `folder`."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.origin = project
        self.folder = folder
        self.guide = project.path / "docs" / "deploy-server.md"
        folder.mkdir()
        (once,) = (block for block in self.blocks() if "git clone" in block)
        self.run(once.replace("https://git.example.com/my_site.git", str(project.path)))

    def blocks(self) -> list[str]:
        return [self.here(block.text) for block in blocks(self.guide)]

    def here(self, text: str) -> str:
        return text.replace("/srv/my_site", str(self.folder))

    def run(self, commands: str) -> None:
        done = subprocess.run(
            ["bash", "-euc", commands], cwd=self.folder, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def deploy(self, *, uv: bool) -> None:
        (publish,) = (block for block in self.blocks() if "git -C repository archive" in block)
        (pip,) = (block for block in self.blocks() if "pip install" in block and "venv" in block and "apt" not in block)
        (switch,) = (block for block in self.blocks() if "mv -T" in block)
        sync = "uv sync --quiet --locked --no-dev\n"
        assert sync in publish
        self.run((publish if uv else publish.replace(sync, pip)) + switch)

    def variables(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in (self.folder / "env").read_text().splitlines())

    def unit(self) -> str:
        return self.here((self.origin.path / "deploy" / "my_site@.service").read_text())


@pytest.fixture
def host(render: Callable[..., Project], tmp_path: Path) -> Host:
    project = render()
    project.run("uv", "lock", "--quiet")
    project.commit("Start")
    return Host(project, tmp_path / "srv")


@pytest.mark.long
def test_a_server_is_set_up_deployed_to_and_rolled_back(host, tmp_path):
    (command,) = re.findall(r"^ExecStart=(.+)$", host.unit(), re.MULTILINE)
    variables = host.variables() | {"DJANGO_ALLOWED_HOSTS": "127.0.0.1"}

    def start(port: int, **more: str) -> Server:
        arguments = shlex.split(command.replace("%i", str(port)))
        return Server.start(arguments, host.folder / "current", tmp_path / "log", **variables | more)

    def running() -> str:
        """The release of a process that starts now, once it has told systemd that it is ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, TemporaryDirectory() as folder:
            systemd.bind(f"{folder}/notify")
            systemd.settimeout(DEADLINE)
            port = free_port()
            server = start(port, NOTIFY_SOCKET=f"{folder}/notify")
            try:
                assert b"READY=1" in systemd.recv(1024).split(b"\n")
                return json.loads(get(port, "/healthz").body)["release"]
            finally:
                server.stop()

    releases = []
    for text, uv in (("old", False), ("new", True)):
        (host.origin.path / "static" / "example.txt").write_text(text)
        releases.append(host.origin.commit(text))
        host.deploy(uv=uv)
        assert running() == releases[-1]
    (switch,) = (block for block in host.blocks() if "mv -T" in block)
    host.run(f"release={releases[0]}\n{switch}")
    assert running() == releases[0]

    published = {file.read_text() for file in (host.folder / "public" / "static").glob("example.*.txt")}
    assert published == {"old", "new"}

    (crontab,) = (block for block in host.blocks() if "releases prune" in block)
    host.run(crontab.partition("  ")[2])

    prevented = re.search(r"^RestartPreventExitStatus=(\d+)$", host.unit(), re.MULTILINE)
    assert prevented
    assert start(free_port(), RELEASE_ID="not-published").process.wait(DEADLINE) == int(prevented[1])


def test_systemd_takes_the_unit(host, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    # systemd looks whether the program is there.
    program = host.folder / "current" / ".venv" / "bin" / "gunicorn"
    program.parent.mkdir(parents=True)
    program.symlink_to("/bin/true")
    unit = tmp_path / "my_site@8001.service"
    unit.write_text(host.unit().replace("User=my_site", f"User={os.getuid()}"))

    verified = host.origin.run("systemd-analyze", "verify", unit, check=False)

    assert (verified.returncode, verified.stderr) == (0, "")


def test_without_uv_the_readme_needs_python_and_pip_alone(render):
    project = render()
    project.commit("Start")
    readme = project.path / "README.md"
    (install,) = (block.text for block in blocks(readme) if "pip install" in block.text)
    (work,) = (block.text for block in blocks(readme) if "manage.py test" in block.text)
    work = work.replace("uv run manage.py", "python manage.py").replace("uv run ", "")
    assert "uv" not in work

    project.run("bash", "-euc", install + work)

    assert project.run("git", "status", "--porcelain").stdout == ""
