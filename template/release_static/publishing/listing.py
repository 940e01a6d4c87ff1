"""The files in a directory and below, by names with forward slashes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from release_static.manifest import RELEASES
from release_static.publishing.destination import Entry

# What the names of temporary files and directories in `.releases/` begin with.
TEMPORARY = ".tmp-"


def walk(root: str, folder: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file in a folder of the root and below, but for temporary ones. `folder` is "" or ends with a slash."""
    entries: list[os.DirEntry[str]] = []
    with absent(folder), os.scandir(os.path.join(root, folder)) as found:
        entries += found
    for entry in entries:
        name = folder + entry.name
        if not entry.is_dir(follow_symlinks=name == RELEASES):
            yield name, entry
        elif not name.startswith(f"{RELEASES}/{TEMPORARY}"):
            yield from walk(root, f"{name}/")


@contextmanager
def absent(name: str) -> Iterator[None]:
    """Skip what does not exist; also what cannot be read, such as lost+found, where it cannot be ours."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        pass
    except PermissionError:
        if not name or name.startswith(f"{RELEASES}/"):
            raise


def entry_of(name: str, status: os.stat_result) -> Entry:
    # `upload` gives a file the time stamp of its source, and nobody can set a ctime.
    modified = status.st_mtime if name.startswith(f"{RELEASES}/") else status.st_ctime
    return Entry(name, status.st_size, modified, mtime_ns=status.st_mtime_ns)
