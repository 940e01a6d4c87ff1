"""A destination on disk: STATIC_ROOT."""

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
from release_static.publish import Entry, StagedFile, Survey
from release_static.record import md5
from release_static.sync import sync

_TEMPORARY = ".tmp-"
_ABANDONED_AFTER = 24 * 60 * 60  # seconds
_BATCH = 2000  # files
_CHUNK = 1 << 18  # bytes


class Directory:
    """Everything is written under a temporary name in `.releases/`, synced, and renamed to where it belongs.

    `file_mode` and `directory_mode` are the permissions of what is new; None is 0o644 and the umask's.
    """

    def __init__(self, root: str, file_mode: int | None = None, directory_mode: int | None = None) -> None:
        self.root = root
        self.warnings: list[str] = []
        self._releases = os.path.join(root, RELEASES)
        self._file_mode = 0o644 if file_mode is None else file_mode
        self._directory_mode = directory_mode
        # Directories that have new entries.
        self._touched: set[str] = set()

    def __str__(self) -> str:
        return self.root

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        with self._temporary_directory() as directory:
            self._remove_abandoned()
            yield Path(directory)

    def survey(self, names: Iterable[str]) -> Survey:
        there = {}
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                there[name] = os.lstat(os.path.join(self.root, name))
        return Survey(there, list(self.entries(f"{RELEASES}/")))

    def holds(self, file: StagedFile, there: os.stat_result) -> bool:
        if not stat.S_ISREG(there.st_mode) or there.st_size != file.size:
            return False
        # rsync's quick check, but not on whole seconds: build tools stamp files with a constant.
        if there.st_mtime_ns == file.mtime_ns and file.mtime_ns % 1_000_000_000:
            return True
        return _same_bytes(file.path, os.path.join(self.root, file.name))

    def put(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        remaining = iter(files)
        while batch := list(islice(remaining, _BATCH)):
            with self._temporary_directory() as directory:
                temporaries = [self._copy(file, os.path.join(directory, str(n))) for n, file in enumerate(batch)]
                sync(temporaries, self.root)
                for file, temporary in zip(batch, temporaries, strict=True):
                    target = os.path.join(self.root, file.name)
                    self._make_directory(os.path.dirname(target))
                    os.replace(temporary, target)
                    yield file

    def settle(self) -> None:
        sync(self._touched, self.root)
        self._touched.clear()

    def put_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        self._write(path(release_id), content, place=os.replace if replace else os.link)
        self.settle()

    def read_manifest(self, release_id: str) -> bytes | None:
        try:
            return Path(self.root, path(release_id)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def releases(self) -> list[str]:
        manifests = [(found.stat().st_mtime_ns, found.parent.name) for found in Path(self._releases).glob(f"*/{NAME}")]
        return [release_id for _, release_id in sorted(manifests, reverse=True)]

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        for name, found in _walk(self.root, prefix):
            with suppress(FileNotFoundError):
                status = found.stat(follow_symlinks=False)
                # `put` gives a file the time stamp of its source, and no one can give a ctime.
                modified = status.st_mtime if name.startswith(f"{RELEASES}/") else status.st_ctime
                yield Entry(name, status.st_size, modified)

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for name in names:
            try:
                yield name, Path(self.location(name)).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                yield name, None

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        for name in names:
            try:
                with open(self.location(name), "rb") as stream:
                    yield name, hashlib.file_digest(stream, md5).hexdigest()
            except (FileNotFoundError, NotADirectoryError):
                yield name, None

    def write(self, name: str, content: bytes) -> None:
        self._write(name, content, place=os.replace)

    def discard(self, name: str) -> None:
        self.delete([name])

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(self.location(name))
            folder, _, _ = name.rpartition("/")
            self._touched.add(self.location(folder))
            # Folders of published files stay: another publisher may be about to put a file into one.
            if folder.startswith(f"{RELEASES}/"):
                with suppress(OSError):
                    os.rmdir(self.location(folder))
                    self._touched.discard(self.location(folder))
                    self._touched.add(self._releases)

    def location(self, name: str) -> str:
        return os.path.join(self.root, name)

    def _write(self, name: str, content: bytes, place: Callable[[str, str], None]) -> None:
        target = self.location(name)
        self._make_directory(os.path.dirname(target))
        with self._temporary_directory() as directory:
            temporary = os.path.join(directory, "content")
            with open(temporary, "wb") as stream:
                stream.write(content)
            os.chmod(temporary, self._file_mode)
            sync([temporary], self.root)
            place(temporary, target)

    def _temporary_directory(self) -> tempfile.TemporaryDirectory[str]:
        self._make_directory(self._releases)
        return tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=self._releases)

    def _copy(self, file: StagedFile, temporary: str) -> str:
        with open(file.path, "rb", buffering=0) as source, open(temporary, "xb") as target:
            shutil.copyfileobj(source, target, _CHUNK)
            file.check_unchanged(os.fstat(source.fileno()))
        os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
        os.chmod(temporary, self._file_mode)
        return temporary

    def _make_directory(self, directory: str) -> None:
        if directory in self._touched:
            return
        if not os.path.isdir(directory):
            if directory == self.root:
                os.makedirs(directory, exist_ok=True)
            else:
                self._make_directory(os.path.dirname(directory))
                with suppress(FileExistsError):  # another thread or publisher was faster
                    os.mkdir(directory)
            if self._directory_mode is not None:
                os.chmod(directory, self._directory_mode)
        self._touched.add(directory)

    def _remove_abandoned(self) -> None:
        """What a publisher left that was killed. One that is still at work is younger."""
        for leftover in Path(self._releases).glob(f"{_TEMPORARY}*"):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > _ABANDONED_AFTER:
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _walk(root: str, prefix: str, folder: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """(name, entry) of every file whose name has this prefix, looking into no folder that cannot hold one."""
    try:
        with os.scandir(os.path.join(root, folder)) as found:
            entries = list(found)
    except FileNotFoundError:
        return
    for entry in entries:
        name = folder + entry.name
        if name.startswith(f"{RELEASES}/{_TEMPORARY}"):
            continue
        if not entry.is_dir(follow_symlinks=False):
            if name.startswith(prefix):
                yield name, entry
        elif f"{name}/".startswith(prefix) or prefix.startswith(f"{name}/"):
            yield from _walk(root, prefix, f"{name}/")


def _same_bytes(one: str, other: str) -> bool:
    with open(one, "rb") as left, open(other, "rb") as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(_CHUNK):
                return False
        return not right.read(1)
