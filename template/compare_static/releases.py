"""Two releases of this project: its code, copied twice."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from release_static.errors import ReleaseStaticError

OLD, NEW = "release-1", "release-2"
# The file that the releases differ in, and its place in the project.
EXAMPLE = "example.txt"
SOURCE = f"static/{EXAMPLE}"

# Beside manage.py: what processes write, and what would name the release.
_WRITTEN = {"public", "media", "REVISION", "staticfiles.json"}
_NOT_CODE = shutil.ignore_patterns(".*", "__pycache__", "*.sqlite3")


@dataclass(frozen=True)
class Release:
    """The code of a release, and what its example.txt says."""

    id: str
    code: Path
    text: bytes


def make_releases(project: Path, scratch: Path) -> tuple[Release, Release]:
    """The project as it is, and with a line more in its example.txt, as folders of `scratch`.

    Raises ReleaseStaticError if the project has no such file.
    """
    if not (project / SOURCE).is_file():
        raise ReleaseStaticError(
            f"There is no {project / SOURCE}, and it is the file that the two releases differ in. Put one there, with "
            "any text, and run compare_static again."
        )
    old, new = (_copy(project, scratch / release_id) for release_id in (OLD, NEW))
    text = (old / SOURCE).read_bytes()
    changed = text + b"A line more.\n"
    (new / SOURCE).write_bytes(changed)
    # Changed after the old release was published: Django compares times before it copies.
    os.utime(new / SOURCE, (time.time() + 3600,) * 2)
    return Release(OLD, old, text), Release(NEW, new, changed)


def _copy(project: Path, folder: Path) -> Path:
    def ignored(directory: str, names: list[str]) -> set[str]:
        written = _WRITTEN.intersection(names) if Path(directory) == project else set()
        return set(_NOT_CODE(directory, names)) | written

    return shutil.copytree(project, folder, symlinks=True, ignore=ignored)
