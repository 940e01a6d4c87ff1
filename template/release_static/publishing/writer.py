"""Atomic and durable changes to a directory."""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from release_static.manifest import RELEASES
from release_static.publishing.destination import PublishError, StagedFile
from release_static.publishing.listing import TEMPORARY
from release_static.publishing.sync import sync

_ABANDONED_AFTER = 24 * 60 * 60  # seconds
_BATCH = 2000  # files
_CHUNK = 1 << 18  # bytes
# Errors of file systems without hard links, such as Azure Files, blobfuse and rclone.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}


class Writer:
    """Files are written under a temporary name in `.releases/`, synced, and renamed to their final name.

    `file_mode` and `directory_mode` are the permissions of new files and directories; None means the umask. Names are
    relative to `root` and have forward slashes.
    """

    def __init__(self, root: str, file_mode: int | None = None, directory_mode: int | None = None) -> None:
        self.warnings: list[str] = []
        self._root = root
        self._releases = os.path.join(root, RELEASES)
        self._file_mode = file_mode
        self._directory_mode = directory_mode
        self._made: set[str] = set()
        # Directories in which something was created or deleted since the last `sync`.
        self._changed: set[str] = set()

    def temporary_directory(self) -> tempfile.TemporaryDirectory[str]:
        """Removed on exit; anything that cannot be removed is left to a later publication."""
        self._make_directory(self._releases)
        try:
            return tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=self._releases, ignore_cleanup_errors=True)
        except OSError as error:
            error.filename = self._releases  # instead of a random name in it
            raise

    def copy(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        """Raises PublishError if a file has changed since it was staged."""
        remaining = iter(files)
        while batch := list(islice(remaining, _BATCH)):
            with self.temporary_directory() as directory:
                temporaries = [self._copy(file, os.path.join(directory, str(n))) for n, file in enumerate(batch)]
                sync(temporaries, self._root)
                for file, temporary in zip(batch, temporaries, strict=True):
                    self._place(temporary, file.name, os.replace)
                    yield file

    def write(self, name: str, content: bytes, *, replace: bool = True) -> None:
        """Raises FileExistsError if the file exists, unless `replace` is true."""
        with self.temporary_directory() as directory:
            temporary = os.path.join(directory, "content")
            with open(temporary, "wb") as stream:
                stream.write(content)
            self._set_mode(temporary)
            sync([temporary], self._root)
            self._place(temporary, name, os.replace if replace else self._rename_if_absent)

    def delete(self, names: Iterable[str]) -> None:
        """Files that do not exist are ignored. In `.releases/`, directories that become empty are deleted too."""
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(os.path.join(self._root, name))
            folder, _, _ = name.rpartition("/")
            directory = os.path.join(self._root, folder)
            self._changed.add(directory)
            # Folders of published files stay: another publisher may be about to write a file there.
            if folder.startswith(f"{RELEASES}/"):
                with suppress(OSError):
                    os.rmdir(directory)
                    self._made.discard(directory)
                    self._changed.discard(directory)
                    self._changed.add(self._releases)

    def sync(self) -> None:
        sync(self._changed, self._root)
        self._changed.clear()

    def remove_abandoned(self) -> None:
        """Remove the temporary files of publishers that were killed. Those of running publishers are younger."""
        for leftover in Path(self._releases).iterdir():
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime <= _ABANDONED_AFTER:
                    continue
                if leftover.name.startswith(TEMPORARY):
                    shutil.rmtree(leftover)
                else:
                    leftover.rmdir()  # fails for every release, since its directory is not empty

    def _copy(self, file: StagedFile, temporary: str) -> str:
        with file.source.open() as source, open(temporary, "xb", buffering=0) as target:
            shutil.copyfileobj(source, target, _CHUNK)
        if file.source.content is None:
            os.utime(temporary, ns=(file.source.mtime_ns, file.source.mtime_ns))
        self._set_mode(temporary)
        return temporary

    def _place(self, temporary: str, name: str, rename: Callable[[str, str], None]) -> None:
        target = os.path.join(self._root, name)
        self._make_directory(os.path.dirname(target))
        self._changed.add(os.path.dirname(target))
        try:
            rename(temporary, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise PublishError(
                f"{target} is not on the same file system as {self._releases}, so files cannot be moved between them "
                "atomically. Make both plain directories of STATIC_ROOT, not links or mounts."
            ) from error

    def _rename_if_absent(self, temporary: str, target: str) -> None:
        """Leaves the temporary file to be removed with its directory. Raises FileExistsError."""
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(target):
                raise FileExistsError(target) from error
            os.replace(temporary, target)
            self.warnings.append(
                f"The file system of {self._root} does not support hard links, so two processes that publish the same "
                "release at once are not detected. Run only one collectstatic at a time."
            )

    def _make_directory(self, directory: str) -> None:
        if directory in self._made:
            return
        if not os.path.isdir(directory):
            if directory == self._root:
                os.makedirs(directory, exist_ok=True)
            else:
                self._make_directory(os.path.dirname(directory))
                with suppress(FileExistsError):  # another thread or publisher was faster
                    os.mkdir(directory)
                self._changed.add(os.path.dirname(directory))
            if self._directory_mode is not None:
                os.chmod(directory, self._directory_mode)
        self._made.add(directory)

    def _set_mode(self, file: str) -> None:
        if self._file_mode is not None:
            os.chmod(file, self._file_mode)
