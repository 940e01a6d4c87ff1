"""A destination in memory, for processes that use it one request at a time (processes.py) and for a single one."""

import functools
import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from release_static.manifest import RELEASES, path
from release_static.publishing.destination import Entry, StagedFile
from release_static.publishing.locks import PREFIX

PAGE = 10  # names

# The kind of a request and its arguments -> its result.
Request = Callable[..., Any]

# The same few contents and files come up in every order.
md5 = functools.cache(lambda content: hashlib.md5(content).hexdigest())
read = functools.cache(lambda path: Path(path).read_bytes())


def content_of(file: StagedFile) -> bytes:
    return read(file.source.path) if file.source.content is None else file.source.content


class Clock:
    """Seconds. What processes see is `now`, which moves when a test lets time pass. Later writes have later time stamps."""

    def __init__(self, now: float = 1_000_000_000.0, writes: int = 0) -> None:
        self.now = now
        self.writes = writes

    def copy(self) -> "Clock":
        return Clock(self.now, self.writes)

    def stamp(self) -> float:
        self.writes += 1
        return self.now + self.writes


class Bucket:
    """What S3 does: single objects, read after write, no rename, no locks. A request is one step of its process."""

    # Whether those who publish and prune here may delete.
    may_delete = True

    def __init__(self, objects: dict[str, tuple[bytes, float]], clock: Clock, request: Request | None = None) -> None:
        self.objects = objects
        self.clock = clock
        self.warnings: list[str] = []
        self._request = request or self.carry_out

    def __str__(self) -> str:
        return "memory"

    def copy(self) -> "Bucket":
        return type(self)(dict(self.objects), self.clock.copy())

    def used_by(self, request: Request) -> "Bucket":
        """The same bucket for a process, whose requests a test carries out."""
        return type(self)({}, Clock(), request)

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        with TemporaryDirectory() as directory:
            yield Path(directory)

    def existing(self, names: Iterable[str]) -> dict[str, Entry]:
        wanted = set(names)
        releases = {entry.name: entry for entry in self.entries(f"{RELEASES}/")}
        return releases | {entry.name: entry for entry in self.entries() if entry.name in wanted}

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """In pages, each with the state at the time of its request."""
        page = self._request("list", prefix, "")
        yield from page
        while len(page) == PAGE:
            page = self._request("list", prefix, page[-1].name)
            yield from page

    def matches(self, file: StagedFile, entry: Entry) -> bool:
        return md5(content_of(file)) == entry.md5

    def upload(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        for file in files:
            self.write(file.name, content_of(file))
            yield file

    def sync(self) -> None:
        pass

    def write_manifest(self, release_id: str, content: bytes, *, replace: bool = False, lock: str = "") -> None:
        if not self._request("write", path(release_id), content, replace):
            raise FileExistsError(path(release_id))

    def write(self, name: str, content: bytes) -> None:
        self._request("write", name, content)

    def discard(self, name: str) -> None:
        self.write(name, b"")

    def read(self, name: str) -> bytes | None:
        return self._request("read", name)

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for name in names:
            yield name, self.read(name)

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        for name, content in self.read_many(names):
            yield name, None if content is None else md5(content)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            if not self._request("delete", name):
                raise PermissionError(f"{name} may not be deleted")

    def releases(self) -> list[str]:
        raise NotImplementedError

    def location(self, name: str) -> str:
        return name

    @property
    def locks(self) -> Hashable:
        return tuple(sorted(name for name, (content, _) in self.objects.items() if content and PREFIX in name))

    def carry_out(self, request: str, *arguments: Any) -> Any:
        return getattr(self, f"_{request}")(*arguments)

    def _list(self, prefix: str, after: str) -> tuple[Entry, ...]:
        names = sorted(name for name in self.objects if name.startswith(prefix) and name > after)
        return tuple(self._entry(name) for name in names[:PAGE])

    def _entry(self, name: str) -> Entry:
        content, modified = self.objects[name]
        return Entry(name, len(content), modified, md5(content))

    def _read(self, name: str) -> bytes | None:
        content, _ = self.objects.get(name, (None, 0))
        return content

    def _write(self, name: str, content: bytes, replace: bool = True) -> bool:
        if name in self.objects and not replace:
            return False
        self.objects[name] = (content, self.clock.stamp())
        return True

    def _delete(self, name: str) -> bool:
        if self.may_delete:
            self.objects.pop(name, None)
        return self.may_delete
