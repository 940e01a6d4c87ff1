"""The Dockerfile is linted, and its steps are run in a clean folder, because tests have no Docker engine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pathspec
import pytest
import yaml
from dockerfile_parse import DockerfileParser

from tests.project import ROOT, Project, environment
from tests.servers import Server

# A file that must never get into an image.
PRIVATE = (
    ".env",
    ".env.production",
    ".venv/leftover",
    "db.sqlite3",
    "media/cv.pdf",
    "public/static/old.css",
    "REVISION",
)


def choices(question: str) -> list[str]:
    return list(yaml.safe_load((ROOT / "copier.yml").read_text())[question]["choices"].values())


@dataclass
class Image:
    """The state of a build. All stages share one folder, which stands for /app."""

    app: Path
    variables: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    command: list[str] = field(default_factory=list)
    failed: subprocess.CompletedProcess[str] | None = None


def build(project: Project, app: Path, **arguments: str) -> Image:
    """Run the steps of a project's Dockerfile with these build arguments, up to the first that fails."""
    # The Python of the base image, with a pip of its own.
    base = app.parent / "base"
    subprocess.run(["uv", "venv", "--quiet", "--seed", "--clear", "--python=3.13", base], check=True, env=environment())
    image = Image(app, {"PATH": f"{base / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"})
    scope: dict[str, str] = {}

    def expand(text: str) -> str:
        return re.sub(r"\$(\w+)", lambda name: (image.variables | scope).get(name[1], ""), text).strip('"')

    for step in DockerfileParser(str(project.path)).structure:
        words = step["value"].split()
        match step["instruction"]:
            case "COPY" if not words[0].startswith("--from"):
                copy(project.path, app, words[:-1])
            case "ARG":
                name, _, default = step["value"].partition("=")
                scope[name] = arguments.get(name, expand(default))
            case "ENV":
                for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', step["value"]):
                    image.variables[name] = expand(value.replace("/app/", f"{app}/"))
            case "LABEL":
                name, _, value = step["value"].partition("=")
                image.labels[name] = expand(value)
            case "RUN":
                command = re.sub(r"^(--\S+ )+", "", step["value"]).replace("10001", str(os.getuid()))
                # uv would pass over a Python that is an environment's.
                variables = environment(UV_PYTHON=str(base / "bin" / "python"), **image.variables | scope)
                done = subprocess.run(
                    ["sh", "-c", command], cwd=app, env=variables, capture_output=True, text=True, check=False
                )
                if done.returncode:
                    image.failed = done
                    return image
            case "USER":
                image.user = step["value"]
            case "CMD":
                image.command = json.loads(step["value"])
    return image


def copy(context: Path, app: Path, sources: list[str]) -> None:
    """COPY, without the files in .dockerignore. Its patterns are relative to the root, unlike those in .gitignore."""
    lines = (context / ".dockerignore").read_text().splitlines()
    ignored = pathspec.GitIgnoreSpec.from_lines(f"/{line}" for line in lines if line and not line.startswith("#"))
    for path in context.rglob("*"):
        name = path.relative_to(context)
        wanted = sources == ["."] or str(name) in sources
        if wanted and path.is_file() and not ignored.match_file(name.as_posix()):
            (app / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, app / name)


@pytest.mark.parametrize(
    ("release_id_strategy", "storage_backend"), list(product(("git", "render", "railway"), choices("storage_backend")))
)
def test_the_linter_has_nothing_to_say(render, release_id_strategy, storage_backend):
    project = render(docker=True, release_id_strategy=release_id_strategy, storage_backend=storage_backend)
    linted = project.run(Path(sys.executable).parent / "hadolint", "Dockerfile", check=False)
    assert linted.stdout + linted.stderr == ""
    assert linted.returncode == 0


def test_an_image_is_one_release_and_serves_it(
    render: Callable[..., Project], start: Callable[..., Server], tmp_path: Path
):
    project = render(docker=True)
    project.commit("Start")
    project.run("uv", "lock", "--quiet", UV_PYTHON="3.13")
    for name in PRIVATE:
        (project.path / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).write_text("private")
    app = tmp_path / "image"
    app.mkdir()

    refused = build(project, app, RELEASE_ID="").failed
    assert refused is not None and "RELEASE_ID: is empty. Build with --build-arg" in refused.stderr

    image = build(project, app, RELEASE_ID="build-7")
    assert image.failed is None, image.failed
    assert (image.variables["RELEASE_ID"], image.labels) == (
        "build-7",
        {"org.opencontainers.image.revision": "build-7"},
    )
    assert [name for name in PRIVATE if (app / name).exists()] == []
    assert not (app / ".git").exists()
    assert image.user == "10001"
    assert not (app / ".venv" / "bin" / "ruff").exists()

    container = Project(app, app / ".venv" / "bin" / "python", image.variables | {"PORT": "0"})
    served = start(container, *image.command)
    assert served.probe()["release"] == "build-7"
    other = start(container, *image.command, RELEASE_ID="build-8")
    assert other.probe() == {}
    assert other.process.returncode == 3
    assert "releases: build-7" in other.said


@pytest.mark.parametrize(
    ("strategy", "variable"), [("render", "RENDER_GIT_COMMIT"), ("railway", "RAILWAY_GIT_COMMIT_SHA")]
)
def test_a_platform_that_passes_the_commit_to_a_build_needs_no_other_argument(render, tmp_path, strategy, variable):
    project = render(docker=True, release_id_strategy=strategy)
    dockerfile = project.path / "Dockerfile"
    # Only the steps from the release's own arguments to its label.
    text = dockerfile.read_text()
    steps = text[text.index(f"ARG {variable}") : text.index("\n", text.index("LABEL ")) + 1]
    dockerfile.write_text(f"FROM scratch\n{steps}")

    assert build(project, tmp_path).failed is not None
    built = build(project, tmp_path, **{variable: "2c3a0b2"})
    assert built.failed is None
    assert built.variables["RELEASE_ID"] == "2c3a0b2"


def test_another_release_installs_no_dependencies_again(render):
    structure = DockerfileParser(str(render(docker=True).path)).structure
    steps = [f"{step['instruction']} {step['value']}" for step in structure]
    install = next(number for number, step in enumerate(steps) if "uv sync" in step)
    assert not any("RELEASE_ID" in step for step in steps[:install])
    # Nor does another version of the code, which comes after the file that names the dependencies.
    assert "COPY . ." not in steps[:install]


def test_without_docker_there_is_nothing_of_it(render):
    project = render()
    assert not list(project.path.glob("*ocker*"))
