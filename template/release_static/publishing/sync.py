"""Sync files to disk, so that they survive a crash of the machine."""

import errno
import os
import re
from collections.abc import Callable, Collection
from contextlib import suppress

# For more than this many, it is faster to sync their whole file system, including unrelated writes.
_FEW = 16


def sync(paths: Collection[str], root: str) -> None:
    """Sync these files and directories below `root`, all on one file system. Paths that no longer exist are ignored.

    Raises OSError if the disk reports one. A network file system in user space, such as sshfs, may return before its
    server has synced many files.
    """
    if os.name == "nt":  # Windows cannot open a directory
        return
    if len(paths) > _FEW and (sync_file_system := _find_syncfs()):
        try:
            return _sync(root, sync_file_system)
        except OSError as error:
            if error.errno != errno.ENOSYS:  # some sandboxes lack it
                raise
    for path in paths:
        with suppress(FileNotFoundError):
            _sync(path, os.fsync)


def _find_syncfs() -> Callable[[int], None] | None:
    """Linux's system call to sync a whole file system, which is not in Python's os module.

    Source: https://man7.org/linux/man-pages/man2/syncfs.2.html
    """
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release is None or (int(release[1]), int(release[2])) < (5, 8):  # before that it does not report write errors
        return None
    try:
        import ctypes  # not at the top, because web processes do not need it and some Pythons lack it

        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (ImportError, AttributeError, OSError):
        return None

    def sync_file_system(descriptor: int) -> None:
        if syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return sync_file_system


def _sync(path: str, function: Callable[[int], None]) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        function(descriptor)
    finally:
        os.close(descriptor)
