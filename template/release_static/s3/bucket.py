"""A destination in an S3 bucket."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError

from release_static.manifest import NAME, RELEASES, path
from release_static.publishing import checksums
from release_static.publishing.checksums import Checksum
from release_static.publishing.destination import Entry, StagedFile, md5
from release_static.s3 import headers
from release_static.s3.client import Client
from release_static.s3.errors import BucketError
from release_static.s3.parallel import for_each
from release_static.s3.settings import CONNECTIONS

_MANIFEST = re.compile(rf"{re.escape(RELEASES)}/([^/]+)/{re.escape(NAME)}")
_SMALL = 1 << 20  # bytes that are sent from memory


class Bucket:
    """Objects under `location` in a bucket.

    `connect` returns boto3's client, and is called when it is first needed. `parameters` are passed to PutObject for
    published files.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        name: str,
        location: str,
        endpoint_url: str | None = None,
        parameters: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.warnings: list[str] = []
        self._parameters = parameters
        self._client = Client(connect, name, f"{location.strip('/')}/".lstrip("/"))
        self._endpoint_url = endpoint_url

    def __str__(self) -> str:
        location = self.location("").rstrip("/")
        return f"{location} at {self._endpoint_url}" if self._endpoint_url else location

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        # Creating boto3's client is CPU-bound. Otherwise the first request would create it in another thread, while
        # this one is hashing.
        with suppress(BotoCoreError):  # the first request raises it again
            _ = self._client.boto3
        with tempfile.TemporaryDirectory() as directory:
            yield Path(directory)

    def existing(self, names: Iterable[str]) -> dict[str, Entry]:
        wanted = set(names)
        existing: dict[str, Entry] = {}
        # S3 lists in the order of names. If +a.css were on a page before the locks, a prune could delete it and release
        # its lock between the two requests, unnoticed. So the locks are listed first.
        releases_first = any(name < f"{RELEASES}/" for name in wanted)
        if releases_first:
            existing = {entry.name: entry for entry in self.entries(f"{RELEASES}/")}
        for entry in self.entries():
            if entry.name in wanted or (not releases_first and entry.name.startswith(f"{RELEASES}/")):
                existing[entry.name] = entry
        return existing

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        return self._client.entries(prefix)

    def matches(self, file: StagedFile, entry: Entry) -> bool | None:
        if entry.size != file.size:
            return False
        digest = file.source.digest()
        if entry.md5 == digest:
            return True
        if entry.md5 and self._client.etags_are_md5:
            return False
        return (file.hashed and (file.name, Checksum(file.size, digest)) in self._published) or None

    def upload(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        for file, _ in for_each(files, self._upload, CONNECTIONS):
            yield file

    def sync(self) -> None:
        """Nothing to do: S3 responds to a write when the object is durable."""

    def write_manifest(self, release_id: str, content: bytes, *, replace: bool = False, lock: str = "") -> None:
        name = path(release_id)
        if replace:
            self.write(name, content)
            return
        # A server other than Amazon's may ignore conditions: see, at the same time, whether it replaces the lock.
        contents = {name: content, lock: b"{}"} if self._endpoint_url and lock else {name: content}
        errors = dict(for_each(contents, lambda name: self._write_if_absent(name, contents[name]), len(contents)))
        error, of_lock = errors[name], errors.get(lock, FileExistsError())
        if isinstance(error, BucketError) and error.status == 501:
            # The server does not implement conditional requests.
            if self.read(name) is not None:
                raise FileExistsError(name) from error
            self.write(name, content)
            of_lock = None
        elif error:
            raise error
        if of_lock is None:
            self.warnings.append(
                f"The server of {self} ignores conditional writes, so two processes that publish the same release at "
                "once are not detected. Run only one collectstatic at a time."
            )
        elif isinstance(of_lock, BucketError):
            self.warnings.append(f"It is unknown whether the server honors conditional writes: {of_lock}.")

    def write(self, name: str, content: bytes) -> None:
        self._client.write(name, content, md5(content).hexdigest(), **headers.of(name, self._parameters))

    def discard(self, name: str) -> None:
        self.write(name, b"")

    def read(self, name: str) -> bytes | None:
        return self._client.read(name)

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        return for_each(names, self.read, CONNECTIONS)

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        return for_each(names, self._digest, CONNECTIONS)

    def delete(self, names: Iterable[str]) -> None:
        self._client.delete(names)

    def releases(self) -> list[str]:
        manifests = []
        for entry in self.entries(f"{RELEASES}/"):
            if match := _MANIFEST.fullmatch(entry.name):
                manifests.append((entry.modified, match[1]))
        return [release_id for _, release_id in sorted(manifests, reverse=True)]

    def location(self, name: str) -> str:
        return self._client.location(name)

    @cached_property
    def _published(self) -> set[tuple[str, Checksum]]:
        return set(checksums.published(self))

    def _upload(self, file: StagedFile) -> None:
        with file.source.open() as stream:
            body = stream.read() if file.size <= _SMALL else stream
            parameters = headers.of(file.name, self._parameters, hashed=file.hashed)
            self._client.write(file.name, body, file.source.digest(), **parameters)

    def _digest(self, name: str) -> str | None:
        content = self.read(name)
        return None if content is None else md5(content).hexdigest()

    def _write_if_absent(self, name: str, content: bytes) -> FileExistsError | BucketError | None:
        """The error, or None if the object was written."""
        digest = md5(content).hexdigest()
        try:
            self._client.write_if_absent(name, content, digest, **headers.of(name, self._parameters))
        except (FileExistsError, BucketError) as error:
            return error
        return None
