"""A destination in memory, and processes that use it one storage operation at a time, in an order that a test chooses.

Each process is a greenlet: real code, which stops in front of every storage operation. A test lets one of them go for
one step at a time. `explore` does so in every order there is, but visits each state once: what is stored, and what each
process has seen so far, which is all that its next steps can depend on. So what holds in every state that it visits
holds in every interleaving. To kill a process is to never let it go again.
"""

import functools
import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

from release_static.errors import ReleaseStaticError
from release_static.manifest import RELEASES, path
from release_static.publishing.destination import Entry, StagedFile
from release_static.publishing.locks import PREFIX

PAGE = 10  # names
A_LONG_TIME = 20 * 60  # seconds; longer than a prune's lock counts


# The same few contents and files come up in every order.
md5 = functools.cache(lambda content: hashlib.md5(content).hexdigest())
read = functools.cache(lambda path: Path(path).read_bytes())


class Clock:
    """Seconds; each storage operation takes one."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def tick(self) -> float:
        self.now += 1
        return self.now


class Bucket:
    """What S3 does: single objects, read after write, no rename, no locks. A request is one step of its process."""

    # Whether those who publish and prune here may delete.
    may_delete = True

    def __init__(self, objects: dict[str, tuple[bytes, float]], clock: Clock, process: "Process | None" = None) -> None:
        self.objects = objects
        self.clock = clock
        self.warnings: list[str] = []
        self._process = process

    def __str__(self) -> str:
        return "memory"

    def used_by(self, process: "Process") -> "Bucket":
        return type(self)(self.objects, self.clock, process)

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
        return Entry(name, len(content), modified, md5(content))

    def matches(self, file: StagedFile, entry: Entry) -> bool:
        return md5(read(file.path)) == entry.md5

    def upload(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        for file in files:
            self.write(file.name, read(file.path))
            yield file

    def sync(self) -> None:
        pass

    def write_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        self._step("write manifest")
        if self._saw(path(release_id) in self.objects) and not replace:
            raise FileExistsError(path(release_id))
        self.objects[path(release_id)] = (content, self.clock.tick())

    def write(self, name: str, content: bytes) -> None:
        self._step(f"write {name}")
        self.objects[name] = (content, self.clock.tick())

    def discard(self, name: str) -> None:
        self.write(name, b"")

    def read(self, name: str) -> bytes | None:
        self._step("read")
        content, _ = self.objects.get(name, (None, 0))
        return self._saw(content)

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for name in names:
            yield name, self.read(name)

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        for name, content in self.read_many(names):
            yield name, None if content is None else md5(content)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._step(f"delete {name}")
            if not self.may_delete:
                raise PermissionError(f"{name} may not be deleted")
            self.objects.pop(name, None)

    def releases(self) -> list[str]:
        raise NotImplementedError

    def location(self, name: str) -> str:
        return name

    @property
    def locks(self) -> Hashable:
        return tuple(sorted(name for name, (content, _) in self.objects.items() if content and PREFIX in name))

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
    """Runs until its next storage operation, or until it waits for another process, and stops there."""

    def __init__(self, name: str, run: Callable[[Bucket], Any], bucket: Bucket) -> None:
        self.name = name
        self.bucket = bucket
        self.locks = 0
        self.failed: ReleaseStaticError | None = None
        # The locks that it found when it began to wait for another process, if it does.
        self._waits_on: Hashable = None
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
        self._waits_on = self.bucket.locks
        self.step("wait")
        self._waits_on = None

    @property
    def waits_in_vain(self) -> bool:
        """Whether another attempt would have the same result."""
        return self._waits_on is not None and self._waits_on == self.bucket.locks

    def go(self) -> None:
        self._greenlet.switch()

    def kill(self) -> None:
        """As with SIGKILL: not even its `finally` blocks change the bucket."""
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
    """A bucket and the processes that use it concurrently."""

    def __init__(self, bucket: Bucket, runs: dict[str, Callable[[Bucket], Any]]) -> None:
        self.bucket = bucket
        self.processes = [Process(name, run, self.bucket) for name, run in runs.items()]

    @property
    def ready(self) -> list[int]:
        """The processes that can make a step. If all of them wait for a killed process, time passes."""
        alive = [place for place, process in enumerate(self.processes) if process.alive]
        return [place for place in alive if not self.processes[place].waits_in_vain] or alive

    def go(self, place: int) -> None:
        if self.processes[place].waits_in_vain:
            self.bucket.clock.now += A_LONG_TIME
        self.processes[place].go()

    @property
    def state(self) -> Hashable:
        """Two worlds with the same state have the same next steps."""
        names = tuple(sorted((name, bool(content)) for name, (content, _) in self.bucket.objects.items()))
        return names, *((process.history, process.alive) for process in self.processes)

    def end(self) -> None:
        for process in self.processes:
            process.kill()


def explore(make: Callable[[], World], look: Callable[[World], None]) -> Iterator[tuple[int, ...]]:
    """Visit every order of steps, but each state only once. Calls `look` in each state, and yields the steps to it."""
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
            world.go(ready[0])
        world.end()


def wander(world: World, look: Callable[[World], None], choices: Random) -> None:
    """One order of steps, for worlds with too many orders to visit all of them."""
    while ready := world.ready:
        world.go(choices.choice(ready))
        look(world)


def follow(make: Callable[[], World], way: Iterable[int]) -> World:
    world = make()
    for place in way:
        world.go(place)
    return world


def running() -> Process:
    """The process that is calling."""
    return getcurrent().process
