"""What a newcomer waits for: a new project, and the template's own tests."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, environment


def measure(tests: bool) -> Iterator[dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    template = folder / "template"
    template.mkdir()
    shutil.copy(ROOT / "copier.yml", template)
    for name in ("template", "extensions"):
        shutil.copytree(ROOT / name, template / name, ignore=shutil.ignore_patterns("__pycache__"))
    copier = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", str(template), str(folder / "project")]
    django = [sys.executable, "-m", "django", "startproject", "project"]
    for name, command in (("copier copy", copier), ("django-admin startproject", django)):
        runs = []
        for _ in range(3):
            shutil.rmtree(folder / "project", ignore_errors=True)
            runs.append(_seconds(command, folder))
        yield {"section": "template", "peer": name, "wall": min(runs)}
    if tests:
        yield {"section": "template", "peer": "pytest", "wall": _seconds([sys.executable, "-m", "pytest", "-q"], ROOT)}


def _seconds(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
