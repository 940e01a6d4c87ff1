"""Two releases of this project, in two copies of its code."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from release_static.errors import ReleaseStaticError

OLD, NEW = "release-1", "release-2"
# The file that differs between the releases, and its path in the project.
EXAMPLE = "example.txt"
SOURCE = f"static/{EXAMPLE}"

# Files beside manage.py that are not copied: those that processes write, and those that would set the release id.
_WRITTEN = {"public", "media", "REVISION", "staticfiles.json"}
_NOT_CODE = shutil.ignore_patterns(".*", "__pycache__", "*.sqlite3")


@dataclass(frozen=True)
class Release:
    """The code of a release, and the content of its example.txt."""

    id: str
    code: Path
    text: bytes


def make_releases(project: Path, scratch: Path) -> tuple[Release, Release]:
    """Two copies of the project in `scratch`, the second with another line in example.txt.

    Raises ReleaseStaticError if the project does not have this file.
    """
    if not (project / SOURCE).is_file():
        raise ReleaseStaticError(
            f"There is no {project / SOURCE}, which is the file that differs between the two releases. Create it, with "
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
