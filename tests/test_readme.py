"""The first commands of the README."""

import re
import subprocess
from pathlib import Path

import yaml

from tests.project import ROOT, Project, copy_template, environment, run_copier


def test_the_first_command_makes_a_project_that_publishes_and_can_be_updated(tmp_path):
    start = (ROOT / "README.md").read_text().partition("\n## ")[0]
    commands, _ = re.findall(r"```bash\n(.*?)```", start, flags=re.DOTALL)
    output = re.findall(r"^    (Release .*)$", start, flags=re.MULTILINE)
    clone = Project(copy_template(tmp_path / "clone"))
    clone.commit("Clone")
    home = tmp_path / "home"
    home.mkdir()
    path = environment()["PATH"]
    if any(Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")):
        # A Python whose pip refuses to install packages beside those of the system.
        path = f"/usr/bin:{path}"

    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=clone.path,
        env=environment(HOME=str(home), PATH=path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / ".uv/bin/uv").exists()
    assert len(output) == 1 and output[0] in done.stdout.splitlines()
    project = Project(tmp_path / "myproj")
    assert yaml.safe_load((project.path / ".copier-answers.yml").read_text())["_src_path"] == str(clone.path)
    project.commit("Start")
    run_copier("update", "--defaults", project.path)
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_ci_runs_the_tests_as_the_readme_does():
    _, command = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)[:2]

    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == command.strip()


def test_the_readme_is_short_and_its_links_lead_somewhere():
    readme = (ROOT / "README.md").read_text()

    assert len(readme.encode()) <= 8 * 1024
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        assert [link for link in links if not (page.parent / link).exists()] == []
