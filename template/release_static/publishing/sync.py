"""Make what was written survive a crash of the machine."""

import errno
import os
import re
from collections.abc import Callable, Collection
from contextlib import suppress

# More than these are faster synced with their whole file system, whatever else waits there to be written.
_FEW = 16


def sync(paths: Collection[str], root: str) -> None:
    """Sync these files and directories below `root`, all on one file system. Paths that no longer exist are ignored.

    Raises OSError if the disk reports one. A network file system in user space, such as sshfs, may return before its
    server has synced many files.
    """
    if os.name == "nt":  # there a directory has no descriptor
        return
    if len(paths) > _FEW and (sync_file_system := _find_syncfs()):
        try:
            return _sync(root, sync_file_system)
        except OSError as error:
            if error.errno != errno.ENOSYS:  # as a sandbox may say
                raise
    for path in paths:
        with suppress(FileNotFoundError):
            _sync(path, os.fsync)


def _find_syncfs() -> Callable[[int], None] | None:
    """Linux's call for a whole file system, which Python does not have.

    Source: https://man7.org/linux/man-pages/man2/syncfs.2.html
    """
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release is None or (int(release[1]), int(release[2])) < (5, 8):  # before that it hides a failing disk
        return None
    try:
        import ctypes  # here, because web processes do not need it, and some Pythons lack it

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
