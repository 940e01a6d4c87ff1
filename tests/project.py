"""A project under test, and the environment that it runs in."""

import functools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COPIER_SETTINGS = ROOT / "tests" / "copier-settings.yml"

# What must not reach a project under test from the machine that tests it.
_FOREIGN = (
    *(
        "AWS_",
        "COPIER_",
        "DATABASE_URL",
        "DJANGO_",
        "GIT_",
        "MEDIA_",
        "PYTEST_",
        "PYTHON",
        "RELEASE_",
        "STATIC_",
        "UV_",
    ),
    "VIRTUAL_ENV",
)


def environment(**variables: str) -> dict[str, str]:
    """This process's environment with these variables, without those that would change a project's behavior."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    author = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"}
    committer = {name.replace("AUTHOR", "COMMITTER"): value for name, value in author.items()}
    settings = {
        "COPIER_SETTINGS_PATH": str(COPIER_SETTINGS),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    return kept | author | committer | settings | variables


def copy_template(folder: Path) -> Path:
    """The template in the working tree, copied to a folder without a git repository, so that it renders fast."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "copier.yml", folder)
    for name in ("template", "extensions"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run_copier(*arguments: str | Path, python: Path | str = sys.executable) -> str:
    """Run this Python's `copier` with these arguments, without trust, and return what it prints."""
    process = _copier(python)
    assert process.stdin is not None and process.stdout is not None
    print(json.dumps([str(argument) for argument in arguments]), file=process.stdin, flush=True)
    answer = process.stdout.readline()
    assert answer, f"Copier's process ended with {process.wait()}"
    status, said = json.loads(answer)
    assert status == 0, said
    return said


@functools.cache
def _copier(python: Path | str) -> subprocess.Popen[str]:
    """One for all commands of this process. It exits with this process."""
    script = ROOT / "tests" / "copier_process.py"
    return subprocess.Popen(
        [python, "-P", script], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@dataclass
class Project:
    """A rendered project in `path`, run by the Python `python`."""

    path: Path
    python: Path | None = None
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder. With `check`, the test fails with its output if the command fails."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=environment(**self.variables | variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"{command} exited with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def manage(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run(self.python or "python", "manage.py", *arguments, check=check, **variables)

    def commit(self, message: str = "Change") -> str:
        """Commit everything; the hash of the commit."""
        if not (self.path / ".git").exists():
            self.run("git", "init", "-q", "-b", "main")
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message, "--allow-empty")
        return self.run("git", "rev-parse", "HEAD").stdout.strip()
