"""A destination in memory, and processes that use it one storage operation at a time, in an order that a test gives."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

from release_static.errors import ReleaseStaticError
from release_static.manifest import RELEASES, path
from release_static.publish import Entry, StagedFile, Survey

PAGE = 10  # names


class Clock:
    """Seconds; each storage operation takes one."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def tick(self) -> float:
        self.now += 1
        return self.now


class Bucket:
    """What S3 does: single objects, read after write, no rename, no locks. A request is one step of its process."""

    def __init__(self, objects: dict[str, tuple[bytes, float]], clock: Clock, process: "Process | None" = None) -> None:
        self.objects = objects
        self.clock = clock
        self._process = process

    def __str__(self) -> str:
        return "memory"

    def used_by(self, process: "Process") -> "Bucket":
        return Bucket(self.objects, self.clock, process)

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        with TemporaryDirectory() as directory:
            yield Path(directory)

    def survey(self, names: Iterable[str]) -> Survey:
        wanted, entries = set(names), list(self.entries())
        there = {entry.name: entry for entry in entries if entry.name in wanted}
        return Survey(there, [entry for entry in entries if entry.name.startswith(f"{RELEASES}/")])

    def holds(self, file: StagedFile, there: Entry) -> bool:
        return hashlib.md5(Path(file.path).read_bytes()).hexdigest() == there.md5

    def put(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        for file in files:
            self.write(file.name, Path(file.path).read_bytes())
            yield file

    def settle(self) -> None:
        pass

    def put_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        self._step("put manifest")
        if self._saw(path(release_id) in self.objects) and not replace:
            raise FileExistsError(path(release_id))
        self.objects[path(release_id)] = (content, self.clock.tick())

    def read_manifest(self, release_id: str) -> bytes | None:
        [(_, content)] = self.read([path(release_id)])
        return content

    def location(self, name: str) -> str:
        return name

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """In pages, each as things are when it is asked for."""
        after, page = "", [""]
        while page:
            self._step(f"list {prefix}")
            page = sorted(name for name in self.objects if name.startswith(prefix) and name > after)[:PAGE]
            found = [self._entry(name) for name in page]
            self._saw([(entry.name, entry.md5) for entry in found])
            yield from found
            if len(page) < PAGE:
                return
            after = page[-1]

    def _entry(self, name: str) -> Entry:
        content, modified = self.objects[name]
        return Entry(name, len(content), modified, hashlib.md5(content).hexdigest())

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for name in names:
            self._step("read")
            content, _ = self.objects.get(name, (None, 0))
            yield name, self._saw(content)

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        for name, content in self.read(names):
            yield name, None if content is None else hashlib.md5(content).hexdigest()

    def write(self, name: str, content: bytes) -> None:
        self._step(f"put {name}")
        self.objects[name] = (content, self.clock.tick())

    def discard(self, name: str) -> None:
        self.write(name, b"")

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._step(f"delete {name}")
            self.objects.pop(name, None)

    def _step(self, operation: str) -> None:
        if self._process:
            self._process.step(operation)

    def _saw(self, result: Any) -> Any:
        if self._process:
            self._process.saw(repr(result))
        return result


class Killed(BaseException):
    pass


class Process:
    """Runs until its next storage operation, or until it waits for a prune to end, and stops there."""

    def __init__(self, name: str, run: Callable[[Bucket], Any], bucket: Bucket) -> None:
        self.name = name
        self.bucket = bucket
        self.flags = 0
        self.failed: ReleaseStaticError | None = None
        self.waits = False
        # The operation that it is about to carry out.
        self.next = ""
        # What it has seen so far, and so all that its next operation can depend on.
        self.history = 0
        self._killed = False
        self._greenlet = greenlet(self._run)
        self._greenlet.process = self
        self._greenlet.switch(run, bucket.used_by(self))

    @property
    def alive(self) -> bool:
        return not self._greenlet.dead

    def step(self, operation: str) -> None:
        """Called by the process: the operation is carried out when the test says `go`."""
        if self._killed:
            raise Killed
        self.next = operation
        try:
            self._greenlet.parent.switch()
        except GreenletExit:  # the test has no use for it any more
            self._killed = True
        if self._killed:
            raise Killed
        self.saw(operation)

    def saw(self, what: Hashable) -> None:
        self.history = hash((self.history, what))

    def wait(self) -> None:
        self.waits = True
        self.step("wait")
        self.waits = False

    def go(self) -> None:
        self._greenlet.switch()

    def kill(self) -> None:
        """As by SIGKILL: not even its `finally` does anything to the bucket."""
        self._killed = True
        if self.alive:
            self._greenlet.switch()

    def _run(self, run: Callable[[Bucket], Any], bucket: Bucket) -> None:
        try:
            run(bucket)
        except Killed:
            pass
        except ReleaseStaticError as error:
            self.failed = error


class World:
    """A bucket and the processes that use it at once."""

    def __init__(self, bucket: Bucket, runs: dict[str, Callable[[Bucket], Any]]) -> None:
        self.bucket = bucket
        self.processes = [Process(name, run, self.bucket) for name, run in runs.items()]

    @property
    def ready(self) -> list[int]:
        """Who can go. Who waits for a prune waits for it to end: to look more often changes nothing."""
        alive = [place for place, process in enumerate(self.processes) if process.alive]
        return [place for place in alive if not self.processes[place].waits or len(alive) == 1]

    @property
    def state(self) -> Hashable:
        """Two worlds with the same state go on alike."""
        names = tuple(sorted((name, bool(content)) for name, (content, _) in self.bucket.objects.items()))
        return names, *((process.history, process.alive) for process in self.processes)

    def end(self) -> None:
        for process in self.processes:
            process.kill()


def explore(make: Callable[[], World], look: Callable[[World], None]) -> Iterator[tuple[int, ...]]:
    """Every order in which the processes can go, but each state only once. `look` at each; yields the way there."""
    known = set()
    ways: list[tuple[int, ...]] = [()]
    while ways:
        way = ways.pop()
        world = follow(make, way)
        while world.state not in known:
            known.add(world.state)
            look(world)
            yield way
            if not (ready := world.ready):
                break
            ways += [(*way, other) for other in ready[1:]]
            way = (*way, ready[0])
            world.processes[ready[0]].go()
        world.end()


def follow(make: Callable[[], World], way: Iterable[int]) -> World:
    world = make()
    for place in way:
        world.processes[place].go()
    return world


def running() -> Process:
    """The process that is calling."""
    return getcurrent().process
