"""A destination on disk: STATIC_ROOT."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from release_static.manifest import NAME, RELEASES, path
from release_static.publishing.destination import Entry, StagedFile, md5
from release_static.publishing.listing import absent, entry_of, walk
from release_static.publishing.writer import Writer

_CHUNK = 1 << 18  # bytes


class Directory:
    """`file_mode` and `directory_mode` are the permissions of new files and directories; None means the umask.

    Files behind a symbolic link to a directory are published, compared and verified, but never deleted.
    """

    def __init__(self, root: str, file_mode: int | None = None, directory_mode: int | None = None) -> None:
        self.root = root
        self._writer = Writer(root, file_mode, directory_mode)

    def __str__(self) -> str:
        return self.root

    @property
    def warnings(self) -> list[str]:
        return self._writer.warnings

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        with self._writer.temporary_directory() as directory:
            self._writer.remove_abandoned()
            yield Path(directory)

    def existing(self, names: Iterable[str]) -> dict[str, Entry]:
        existing = {entry.name: entry for entry in self.entries(f"{RELEASES}/")}
        for name in names:
            with suppress(OSError, ValueError):  # a manifest may contain names that no file can have
                status = os.lstat(self.location(name))
                if stat.S_ISREG(status.st_mode):
                    # Only locks and markers are asked when they were written, and there may be many files.
                    if name.startswith(f"{RELEASES}/"):
                        existing[name] = entry_of(name, status)
                    else:
                        existing[name] = Entry(name, status.st_size, 0, mtime_ns=status.st_mtime_ns)
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
        # rsync's quick check, except for whole seconds: some build tools give all files the same time stamp.
        mtime_ns = file.source.mtime_ns
        if entry.mtime_ns == mtime_ns and mtime_ns % 1_000_000_000:
            return True
        with file.source.open() as one, open(self.location(file.name), "rb") as other:
            return _same_bytes(one, other)

    def upload(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        return self._writer.copy(files)

    def sync(self) -> None:
        self._writer.sync()

    def write_manifest(self, release_id: str, content: bytes, *, replace: bool = False, lock: str = "") -> None:
        self._writer.write(path(release_id), content, replace=replace)

    def write(self, name: str, content: bytes) -> None:
        self._writer.write(name, content)

    def discard(self, name: str) -> None:
        self.delete([name])

    def delete(self, names: Iterable[str]) -> None:
        self._writer.delete(names)

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

    def releases(self) -> list[str]:
        manifests = [
            (found.stat().st_mtime_ns, found.parent.name) for found in Path(self.location(RELEASES)).glob(f"*/{NAME}")
        ]
        return [release_id for _, release_id in sorted(manifests, reverse=True)]

    def location(self, name: str) -> str:
        return os.path.join(self.root, name)


def _same_bytes(one: BinaryIO, other: BinaryIO) -> bool:
    while chunk := one.read(_CHUNK):
        if chunk != other.read(_CHUNK):
            return False
    return not other.read(1)
