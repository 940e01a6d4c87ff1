"""What is published where: staged files, what exists at a destination, and what every destination can do."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from release_static.errors import ReleaseStaticError

_LATEST = datetime.max.replace(tzinfo=UTC).timestamp() - 1


class PublishError(ReleaseStaticError):
    """Nothing was published: the release has no manifest, so no process sees it."""


class StagedFile(NamedTuple):
    """A file to publish under `name`. Its content is at `path`, with `size` in bytes and `mtime_ns` in nanoseconds."""

    name: str
    path: str
    size: int
    mtime_ns: int
    # Named after its content: once published, it never changes.
    hashed: bool
    # Hex digest of the content, where it was read already.
    md5: str | None = None

    def digest(self) -> str:
        """Hex MD5 of the content. Raises PublishError if the file was written to since it was staged."""
        if self.md5 is None:
            with open(self.path, "rb") as stream:
                digest = hashlib.file_digest(stream, md5).hexdigest()
                self.check_unchanged(os.fstat(stream.fileno()))
            return digest
        self.check_unchanged(os.stat(self.path))
        return self.md5

    def check_unchanged(self, status: os.stat_result) -> None:
        """Raises PublishError if the file was written to since it was staged, so that its hash is wrong."""
        if (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns):
            raise PublishError(
                f"{self.path} changed while it was being published, so its hash is no longer right. "
                "Run collectstatic again when nothing writes there."
            )


class Entry(NamedTuple):
    """A file that exists at a destination under `name`, `size` in bytes.

    `modified` is when it was put there, in seconds since the epoch by the destination's own clock. `md5` is the hex
    digest of the content where the destination claims to know it without reading; a claim that does not match proves
    nothing. `mtime_ns` is the time stamp of its source, in nanoseconds, where the destination keeps that.
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
        """What a person should know after publishing here, in sentences."""

    def private_directory(self) -> AbstractContextManager[Path]:
        """An empty directory for the stage, removed at the end."""

    def existing(self, names: Iterable[str]) -> dict[str, Entry]:
        """What exists under these names and in `.releases/`, by name, in as few requests as possible.

        `.releases/` is listed first, or in the same request: see locks.py.
        """

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """All files whose names have this prefix, in no order; one that is written or deleted meanwhile may be missing.

        `.releases/` is included, temporary files are not.
        """

    def matches(self, file: StagedFile, entry: Entry) -> bool | None:
        """Whether what exists under this file's name has its content, by the cheapest proof there is.

        None if only reading it would tell.
        """

    def upload(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        """Publish files, so that a reader sees the old content or the new one. Yields each one that is done."""

    def sync(self) -> None:
        """Make everything that was uploaded, written or deleted survive a crash."""

    def write_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        """Raises FileExistsError if the release has a manifest already, unless it is to be replaced."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small private file in `.releases/`, complete or not at all, over one that may exist.

        When this returns, `entries` shows it to every process.
        """

    def discard(self, name: str) -> None:
        """Delete a file that `write` wrote, or empty it where a publisher need not be allowed to delete."""

    def read(self, name: str) -> bytes | None:
        """The content of this small file, None if it does not exist."""

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each of these small files with its content, None if it does not exist, in no order.

        Several at once where that is faster, but never so many that they fill the memory.
        """

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        """Each of these files with the hex MD5 of its content, None if it does not exist, in no order. Reads them."""

    def delete(self, names: Iterable[str]) -> None:
        """Delete files, in no order; files that do not exist are ignored. Raises OSError if one cannot be deleted."""

    def releases(self) -> list[str]:
        """The ids that have a manifest, the latest first."""

    def location(self, name: str) -> str:
        """Where the file with this name is, for people."""


def md5(content: bytes = b"") -> "hashlib._Hash":
    """Detects damage, not malice. S3 knows it of most of its objects."""
    return hashlib.md5(content, usedforsecurity=False)
