"""What a newcomer waits for: a new project, and the template's own tests."""

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


def measure(tests: bool, repeat: int = 3) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        template, project = Path(folder, "template"), Path(folder, "project")
        template.mkdir()
        copy_template(template)
        copier = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", str(template), str(project)]
        django = [sys.executable, "-m", "django", "startproject", project.name]
        for name, command in (("copier copy", copier), ("django-admin startproject", django)):
            runs = []
            for _ in range(repeat):
                shutil.rmtree(project, ignore_errors=True)
                runs.append(_seconds(command, Path(folder)))
            yield {"section": "template", "peer": name, "wall": min(runs)}
    if tests:
        yield {"section": "template", "peer": "pytest", "wall": _seconds([sys.executable, "-m", "pytest", "-q"], ROOT)}


def _seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(), check=True, stdout=sys.stderr)
    return time.perf_counter() - start
