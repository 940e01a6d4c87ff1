"""Creating a new project and publishing its first release, and the template's own tests."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import environment
from tests.project import ROOT, copy_template


def measure(repeat: int = 3) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        template, project = Path(folder, "template"), Path(folder, "project")
        template.mkdir()
        copy_template(template)
        copier = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", str(template), str(project)]
        django = [sys.executable, "-m", "django", "startproject", project.name]
        for name, command in (("django-admin startproject", django), ("copier copy", copier)):
            runs = []
            for _ in range(repeat):
                shutil.rmtree(project, ignore_errors=True)
                runs.append(_seconds(command, Path(folder)))
            yield {"section": "template", "peer": f"`{name}`", "wall": sorted(runs)[(repeat - 1) // 2]}
        steps = {
            "`git init`, `add` and `commit`": ["sh", "-c", "git init -q && git add -A && git commit -qm Start"],
            "`uv sync`, with the packages in uv's cache": ["uv", "sync", "-q"],
            "`collectstatic`": ["uv", "run", "-q", "manage.py", "collectstatic", "--noinput"],
        }
        release = sorted(runs)[(repeat - 1) // 2]
        for name, command in steps.items():
            seconds = _seconds(command, project)
            release += seconds
            yield {"section": "template", "peer": name, "wall": seconds}
        yield {"section": "template", "peer": "from `copier copy` to a published release", "wall": release}


def suite() -> Iterator[dict[str, Any]]:
    """The template's own tests."""
    yield {"section": "suite", "peer": "`pytest`", "wall": _seconds([sys.executable, "-m", "pytest", "-q"], ROOT)}


def _seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(PYTHONPATH=""), check=True, stdout=sys.stderr)
    return time.perf_counter() - start
