"""A destination on disk: STATIC_ROOT."""

import errno
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from release_static.manifest import NAME, RELEASES, path
from release_static.publishing.destination import Entry, PublishError, StagedFile, md5
from release_static.publishing.listing import TEMPORARY, absent, entry_of, walk
from release_static.publishing.sync import sync

_ABANDONED_AFTER = 24 * 60 * 60  # seconds
_BATCH = 2000  # files
_CHUNK = 1 << 18  # bytes
# How file systems without hard links refuse one, such as Azure Files and those of blobfuse and rclone.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}


class Directory:
    """Everything is written under a temporary name in `.releases/`, synced, and renamed to where it belongs.

    `file_mode` and `directory_mode` are the permissions of what is new; None follows the umask. What is behind a symbolic
    link to a directory is uploaded, compared and verified, but never deleted, since it is elsewhere.
    """

    def __init__(self, root: str, file_mode: int | None = None, directory_mode: int | None = None) -> None:
        self.root = root
        self.warnings: list[str] = []
        self._releases = os.path.join(root, RELEASES)
        self._file_mode = file_mode
        self._directory_mode = directory_mode
        self._made: set[str] = set()
        # Directories in which something was created or deleted since the last `sync`.
        self._changed: set[str] = set()

    def __str__(self) -> str:
        return self.root

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        with self._temporary_directory() as directory:
            self._remove_abandoned()
            yield Path(directory)

    def existing(self, names: Iterable[str]) -> dict[str, Entry]:
        existing = {entry.name: entry for entry in self.entries(f"{RELEASES}/")}
        for name in names:
            with suppress(OSError, ValueError):  # a manifest may contain names that no file can have
                status = os.lstat(self.location(name))
                if stat.S_ISREG(status.st_mode):
                    existing[name] = entry_of(name, status)
        return existing

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        folder, slash, _ = prefix.rpartition("/")
        for name, found in walk(self.root, folder + slash):
            if name.startswith(prefix):
                with absent(name):
                    yield entry_of(name, found.stat(follow_symlinks=False))

    def matches(self, file: StagedFile, entry: Entry) -> bool:
        if entry.size != file.size:
            return False
        # rsync's quick check, but not on whole seconds: build tools give all files the same time stamp.
        if entry.mtime_ns == file.mtime_ns and file.mtime_ns % 1_000_000_000:
            return True
        return _same_bytes(file.path, self.location(file.name))

    def upload(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        remaining = iter(files)
        while batch := list(islice(remaining, _BATCH)):
            with self._temporary_directory() as directory:
                temporaries = [self._copy(file, os.path.join(directory, str(n))) for n, file in enumerate(batch)]
                sync(temporaries, self.root)
                for file, temporary in zip(batch, temporaries, strict=True):
                    self._place(temporary, file.name, os.replace)
                    yield file

    def sync(self) -> None:
        sync(self._changed, self.root)
        self._changed.clear()

    def write_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        self._write(path(release_id), content, os.replace if replace else self._rename_if_absent)

    def write(self, name: str, content: bytes) -> None:
        self._write(name, content, os.replace)

    def discard(self, name: str) -> None:
        self.delete([name])

    def read(self, name: str) -> bytes | None:
        try:
            return Path(self.location(name)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for name in names:
            yield name, self.read(name)

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        for name in names:
            try:
                with open(self.location(name), "rb") as stream:
                    yield name, hashlib.file_digest(stream, md5).hexdigest()
            except (FileNotFoundError, NotADirectoryError):
                yield name, None

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(self.location(name))
            folder, _, _ = name.rpartition("/")
            self._changed.add(self.location(folder))
            # Folders of published files stay: another publisher may be about to put a file into one.
            if folder.startswith(f"{RELEASES}/"):
                with suppress(OSError):
                    os.rmdir(self.location(folder))
                    self._made.discard(self.location(folder))
                    self._changed.discard(self.location(folder))
                    self._changed.add(self._releases)

    def releases(self) -> list[str]:
        manifests = [(found.stat().st_mtime_ns, found.parent.name) for found in Path(self._releases).glob(f"*/{NAME}")]
        return [release_id for _, release_id in sorted(manifests, reverse=True)]

    def location(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _write(self, name: str, content: bytes, rename: Callable[[str, str], None]) -> None:
        with self._temporary_directory() as directory:
            temporary = os.path.join(directory, "content")
            with open(temporary, "wb") as stream:
                stream.write(content)
            self._set_mode(temporary)
            sync([temporary], self.root)
            self._place(temporary, name, rename)

    def _rename_if_absent(self, temporary: str, target: str) -> None:
        """Leaves the temporary file to its directory. Raises FileExistsError."""
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(target):
                raise FileExistsError(target) from error
            os.replace(temporary, target)
            self.warnings.append(
                f"The file system of {self} has no hard links, so two publishers of the same release at once are not "
                "protected from each other. Run one collectstatic at a time."
            )

    def _set_mode(self, file: str) -> None:
        if self._file_mode is not None:
            os.chmod(file, self._file_mode)

    def _place(self, temporary: str, name: str, rename: Callable[[str, str], None]) -> None:
        target = self.location(name)
        self._make_directory(os.path.dirname(target))
        self._changed.add(os.path.dirname(target))
        try:
            rename(temporary, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise PublishError(
                f"{target} is on another file system than {self._releases}, so no file can be moved from there to here "
                "in one step. Make both directories of STATIC_ROOT itself, neither links nor mounts."
            ) from error

    def _temporary_directory(self) -> tempfile.TemporaryDirectory[str]:
        self._make_directory(self._releases)
        return tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=self._releases)

    def _copy(self, file: StagedFile, temporary: str) -> str:
        with open(file.path, "rb", buffering=0) as source, open(temporary, "xb") as target:
            shutil.copyfileobj(source, target, _CHUNK)
            file.check_unchanged(os.fstat(source.fileno()))
        os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
        self._set_mode(temporary)
        return temporary

    def _make_directory(self, directory: str) -> None:
        if directory in self._made:
            return
        if not os.path.isdir(directory):
            if directory == self.root:
                os.makedirs(directory, exist_ok=True)
            else:
                self._make_directory(os.path.dirname(directory))
                with suppress(FileExistsError):  # another thread or publisher was faster
                    os.mkdir(directory)
                self._changed.add(os.path.dirname(directory))
            if self._directory_mode is not None:
                os.chmod(directory, self._directory_mode)
        self._made.add(directory)

    def _remove_abandoned(self) -> None:
        """What a publisher left that was killed. One that is still at work is younger."""
        for leftover in Path(self._releases).iterdir():
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime <= _ABANDONED_AFTER:
                    continue
                if not leftover.name.startswith(TEMPORARY):
                    leftover.rmdir()  # which keeps every release
                elif leftover.is_dir():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()


def _same_bytes(one: str, other: str) -> bool:
    with open(one, "rb") as left, open(other, "rb") as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(_CHUNK):
                return False
        return not right.read(1)
