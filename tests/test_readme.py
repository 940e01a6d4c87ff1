"""The first commands of the README, as a newcomer types them."""

import re
import subprocess
from pathlib import Path

import yaml

from tests.project import ROOT, Project, copy_template, environment, run_copier


def test_the_first_commands_make_a_project_that_publishes_and_can_be_updated(tmp_path):
    start = (ROOT / "README.md").read_text().partition("\n## ")[0]
    commands = "\n".join(re.findall(r"```bash\n(.*?)```", start, flags=re.DOTALL))
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
    assert "`uv run pytest`" in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "uv run pytest"
