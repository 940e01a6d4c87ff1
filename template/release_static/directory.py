"""A destination on disk: STATIC_ROOT."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from release_static.manifest import NAME, RELEASES, path
from release_static.publish import PublishError, StagedFile

_TEMPORARY = ".tmp-"
_ABANDONED_AFTER = 24 * 60 * 60  # seconds
_CHUNK = 1 << 20


class Directory:
    """Everything is written under a temporary name in `.releases/`, synced, and renamed to where it belongs."""

    def __init__(self, root: Path, file_mode: int | None = None, directory_mode: int | None = None) -> None:
        self.root = root
        self._releases = root / RELEASES
        self._file_mode = file_mode
        self._directory_mode = directory_mode
        self._touched: set[Path] = set()

    def __str__(self) -> str:
        return str(self.root)

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        self._make_directory(self._releases)
        self._remove_abandoned()
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=self._releases) as directory:
            yield Path(directory)

    def scan(self, names: Iterable[str]) -> dict[str, os.stat_result]:
        there = {}
        for name in names:
            with suppress(FileNotFoundError, NotADirectoryError):
                there[name] = os.lstat(self.root / name)
        return there

    def holds(self, file: StagedFile, there: os.stat_result) -> bool:
        if not stat.S_ISREG(there.st_mode) or there.st_size != file.size:
            return False
        # rsync's quick check, but not on whole seconds: build tools stamp files with a constant.
        if there.st_mtime_ns == file.mtime_ns and file.mtime_ns % 1_000_000_000:
            return True
        return _same_bytes(file.path, self.root / file.name)

    def put(self, file: StagedFile) -> None:
        temporary = file.path if file.rewritten else self._copy(file)
        self._put(temporary, self.root / file.name, file.mtime_ns)

    def settle(self) -> None:
        for directory in self._touched:
            _sync(directory)
        self._touched.clear()

    def put_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        target = self.root / path(release_id)
        self._make_directory(target.parent)
        descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=self._releases)
        temporary = Path(name)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(content)
            self._finish(temporary)
            if replace:
                os.replace(temporary, target)
            else:
                os.link(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
        for directory in (target.parent, self._releases):
            _sync(directory)

    def read_manifest(self, release_id: str) -> bytes | None:
        try:
            return (self.root / path(release_id)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def manifest_location(self, release_id: str) -> str:
        return str(self.root / path(release_id))

    def releases(self) -> list[str]:
        manifests = [(found.stat().st_mtime_ns, found.parent.name) for found in self._releases.glob(f"*/{NAME}")]
        return [release_id for _, release_id in sorted(manifests, reverse=True)]

    def _copy(self, file: StagedFile) -> Path:
        descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=self._releases)
        temporary = Path(name)
        try:
            with open(descriptor, "wb") as target, open(file.path, "rb") as source:
                shutil.copyfileobj(source, target, _CHUNK)
                status = os.fstat(source.fileno())
            if (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
                raise PublishError(
                    f"{file.path} changed while it was being published, so its hash is no longer right. "
                    "Run collectstatic again when nothing writes there."
                )
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _put(self, temporary: Path, target: Path, mtime_ns: int) -> None:
        try:
            os.utime(temporary, ns=(mtime_ns, mtime_ns))
            self._finish(temporary)
            self._make_directory(target.parent)
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _finish(self, temporary: Path) -> None:
        os.chmod(temporary, 0o644 if self._file_mode is None else self._file_mode)
        _sync(temporary)

    def _make_directory(self, directory: Path) -> None:
        if directory in self._touched:
            return
        if not directory.is_dir():
            if directory != self.root:
                self._make_directory(directory.parent)
            with suppress(FileExistsError):  # another thread or publisher
                directory.mkdir(parents=directory == self.root)
                if self._directory_mode is not None:
                    directory.chmod(self._directory_mode)
        self._touched.add(directory)

    def _remove_abandoned(self) -> None:
        """What a publisher left that was killed. One that is still at work is younger."""
        for leftover in self._releases.glob(f"{_TEMPORARY}*"):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > _ABANDONED_AFTER:
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _same_bytes(one: Path, other: Path) -> bool:
    with open(one, "rb") as left, open(other, "rb") as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(_CHUNK):
                return False
        return not right.read(1)


def _sync(place: Path) -> None:
    if os.name == "nt":  # no descriptor of a directory, and fsync wants a writable one
        return
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
