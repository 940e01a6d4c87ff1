"""List the files in a directory tree, by names with forward slashes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from release_static.manifest import RELEASES
from release_static.publishing.destination import Entry

# The prefix of temporary files and directories in `.releases/`.
TEMPORARY = ".tmp-"


def walk(root: str, folder: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All files below a folder of the root, except temporary ones. `folder` is "" or ends with a slash."""
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
    """Skip directories that do not exist, and unreadable ones that cannot be ours, such as lost+found."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        pass
    except PermissionError:
        if not name or name.startswith(f"{RELEASES}/"):
            raise


def entry_of(name: str, status: os.stat_result) -> Entry:
    # `upload` gives a file the time stamp of its source, so its mtime is not when it was published; the ctime is.
    modified = status.st_mtime if name.startswith(f"{RELEASES}/") else status.st_ctime
    return Entry(name, status.st_size, modified, mtime_ns=status.st_mtime_ns)
