"""Files to publish, existing files, and the protocol that every destination implements."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, Self

from release_static.errors import ReleaseStaticError

_LATEST = datetime.max.replace(tzinfo=UTC).timestamp() - 1


class PublishError(ReleaseStaticError):
    """The release was not published: without a manifest, no process uses it."""


class Source:
    """The content of a file to publish: the file at `path` as it was when it was first read, or `content` in memory.

    `size` is in bytes, `mtime_ns` in nanoseconds.
    """

    # There may be many.
    __slots__ = ("_md5", "content", "mtime_ns", "path", "size")

    def __init__(self, path: str, size: int, mtime_ns: int, content: bytes | None = None) -> None:
        self.path = path
        self.size = size
        self.mtime_ns = mtime_ns
        self.content = content
        self._md5 = ""

    @classmethod
    def at(cls, path: str, status: os.stat_result | None = None) -> Self:
        status = status or os.stat(path)
        return cls(path, status.st_size, status.st_mtime_ns)

    @classmethod
    def in_memory(cls, content: bytes) -> Self:
        return cls("", len(content), 0, content)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its content. On exit, raises PublishError if the file has changed."""
        if self.content is not None:
            yield BytesIO(self.content)
            return
        with open(self.path, "rb") as stream:
            yield stream
            self._check_unchanged(os.fstat(stream.fileno()))

    def digest(self) -> str:
        """Hex MD5 of the content, which is read only once. Raises PublishError if the file has changed."""
        if not self._md5:
            with self.open() as stream:
                self._md5 = hashlib.file_digest(stream, md5).hexdigest()  # type: ignore[arg-type]
        elif self.content is None:
            self._check_unchanged(os.stat(self.path))
        return self._md5

    def is_unchanged(self, status: os.stat_result) -> bool:
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def _check_unchanged(self, status: os.stat_result) -> None:
        if not self.is_unchanged(status):
            raise PublishError(
                f"{self.path} changed while it was being published, so its hash is no longer right. "
                "Run collectstatic again when the build that writes it has finished."
            )


class StagedFile(NamedTuple):
    """A file to publish under `name`."""

    name: str
    source: Source
    # Named after its content: once published, it never changes.
    hashed: bool

    @property
    def size(self) -> int:
        return self.source.size


class Entry(NamedTuple):
    """A file that exists at a destination under `name`, `size` in bytes.

    `modified` is when it was uploaded, in seconds since the epoch by the destination's clock. `md5` is the hex digest
    that the destination reports without reading the file, if any; one that does not match proves nothing. `mtime_ns` is
    the time stamp of the source file, in nanoseconds, if the destination keeps it.
    """

    name: str
    size: int
    modified: float
    md5: str | None = None
    mtime_ns: int | None = None

    def modified_at(self) -> datetime:
        """`modified`, or the nearest time that a datetime can express: a file system may have others."""
        return datetime.fromtimestamp(min(max(self.modified, 0), _LATEST), UTC)


class Destination(Protocol):
    """Where releases are published. Names are relative and have forward slashes. All methods may raise OSError."""

    @property
    def warnings(self) -> list[str]:
        """Messages to show to the user after publishing."""

    def private_directory(self) -> AbstractContextManager[Path]:
        """An empty directory for the stage, removed on exit."""

    def existing(self, names: Iterable[str]) -> dict[str, Entry]:
        """What exists under these names and in `.releases/`, by name, in as few requests as possible.

        `.releases/` is listed first, or in the same request: see locks.py. The entries of other files may lack
        `modified`.
        """

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """All files whose names have this prefix, in no particular order.

        `.releases/` is included, temporary files are not. A file that is written or deleted at the same time may be
        missing.
        """

    def matches(self, file: StagedFile, entry: Entry) -> bool | None:
        """Whether the existing file has the same content, by the cheapest reliable comparison.

        None if it would have to be read.
        """

    def upload(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        """Publish files atomically: a reader sees either the old content or the new. Yields each finished file."""

    def sync(self) -> None:
        """Make all uploads, writes and deletions durable."""

    def write_manifest(self, release_id: str, content: bytes, *, replace: bool = False, lock: str = "") -> None:
        """Raises FileExistsError if the release already has a manifest, unless `replace` is true.

        `lock` is the name of this process's lock file, which may be written again to test what the destination can do.
        """

    def write(self, name: str, content: bytes) -> None:
        """Write a small private file in `.releases/` atomically, replacing any existing one.

        When this returns, every process sees it in `entries`.
        """

    def discard(self, name: str) -> None:
        """Delete a file that `write` wrote, or empty it if publishers may not be allowed to delete."""

    def read(self, name: str) -> bytes | None:
        """The content of this small file, or None if it does not exist."""

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each of these small files with its content, or None if it does not exist, in no particular order.

        Reads several at once if that is faster, with a bounded number of them in memory.
        """

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        """Read these files. Yields each with the hex MD5 of its content, or None if it does not exist, in any order."""

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, in any order. Files that do not exist are ignored. Raises OSError if one cannot be deleted."""

    def releases(self) -> list[str]:
        """The ids of the releases that have a manifest, latest first."""

    def location(self, name: str) -> str:
        """The path or URL of this file, for messages."""


def md5(content: bytes = b"") -> "hashlib._Hash":
    """MD5 is used to detect damage, not tampering. S3 reports it for most objects."""
    return hashlib.md5(content, usedforsecurity=False)
