"""Processes that use a destination one storage operation at a time, in an order that a test chooses.

What a process does next depends only on what it has seen so far: the results of its operations, and the time. So all
that it can do is a tree, in which each result leads to the next `History`. Only for a new one does its real code run: in
a greenlet, which stops in front of every storage operation until it is given the result.

That makes a `World` a plain value, and a copy of it another branch: what is stored, the time, and the history of each
process. `explore` lets the processes go in every order there is, but visits each state once, so what holds in every
state that it visits holds in every interleaving. To kill a process is to never let it go again.
"""

import functools
from collections.abc import Callable, Hashable, Iterator
from random import Random
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

from release_static.errors import ReleaseStaticError
from tests.mechanism.publishing.bucket import Bucket

A_LONG_TIME = 20 * 60  # seconds; longer than a prune's lock counts

Run = Callable[[Any], object]  # what a process does with a destination


class Killed(BaseException):
    pass


class Running:
    """What a process sees while its code runs."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.now = now
        self.locks = 0
        self._killed = False

    def request(self, *operation: Any) -> Any:
        """The result of this operation, once a test has let the process go."""
        if not self._killed:
            try:
                result, self.now = getcurrent().parent.switch(operation)
                return result
            except GreenletExit:  # nobody has a use for it any more
                self._killed = True
        raise Killed

    def wait(self) -> None:
        self.request("wait")


def running() -> Running:
    """The process that is calling."""
    return getcurrent().process


def start(name: str, run: Run, bucket: Bucket, now: float) -> tuple[greenlet, Any]:
    """The code of a process, and what it does first."""
    code = greenlet(_end)
    code.process = Running(name, now)
    return code, code.switch(run, bucket.used_by(code.process.request))


def _end(run: Run, bucket: Bucket) -> ReleaseStaticError | None:
    try:
        run(bucket)
    except Killed:
        pass
    except ReleaseStaticError as error:
        return error
    return None


class History:
    """What a process has seen so far, which decides what is `next`: an operation, or None or an error at its end."""

    def __init__(
        self, start: Callable[[], tuple[greenlet, Any]], seen: tuple[Hashable, ...], code: greenlet, next: Any
    ) -> None:
        self.next = next
        self._start = start
        self._seen = seen
        self._code = code
        self._later: dict[Hashable, History] = {}

    def after(self, *seen: Hashable) -> "History":
        """When the process has also seen this: the result of its operation, and the time."""
        if seen not in self._later:
            code = self._take_code()
            self._later[seen] = History(self._start, (*self._seen, seen), code, code.switch(seen))
        return self._later[seen]

    def _take_code(self) -> greenlet:
        """The code that got here. Because it cannot be copied, it goes on with one result, and for others starts again."""
        code, self._code = self._code, None
        if code is None:
            code, next = self._start()
            for seen in self._seen:
                next = code.switch(seen)
            assert next == self.next, "This process depends on something that is not in its history."
        return code


class Process:
    """A process of a world: in front of an operation, waiting for another process, or at its end."""

    def __init__(self, history: History, waits_on: Hashable = None, killed: bool = False) -> None:
        self.history = history
        # The locks that it found when it began to wait for another process, if it does.
        self.waits_on = waits_on
        self._killed = killed

    def copy(self) -> "Process":
        return Process(*self.state)

    @property
    def state(self) -> tuple[History, Hashable, bool]:
        return self.history, self.waits_on, self._killed

    @property
    def alive(self) -> bool:
        return isinstance(self.history.next, tuple) and not self._killed

    @property
    def next(self) -> str:
        """The kind of operation that it is about to carry out."""
        return self.history.next[0] if self.alive else ""

    @property
    def failed(self) -> ReleaseStaticError | None:
        return self.history.next if isinstance(self.history.next, ReleaseStaticError) else None

    def kill(self) -> None:
        """As with SIGKILL: not even its `finally` blocks change the bucket."""
        self._killed = True


class World:
    """A bucket and the processes that use it concurrently."""

    def __init__(self, bucket: Bucket, runs: dict[str, Run]) -> None:
        self.bucket = bucket
        starts = [functools.partial(start, name, run, bucket, bucket.clock.now) for name, run in runs.items()]
        self.processes = [Process(History(start, (), *start())) for start in starts]

    def copy(self) -> "World":
        world = World(self.bucket.copy(), {})
        world.processes = [process.copy() for process in self.processes]
        return world

    @property
    def ready(self) -> list[int]:
        """The processes that can make a step. If all of them wait for a killed process, time passes."""
        alive = [place for place, process in enumerate(self.processes) if process.alive]
        return [place for place in alive if not self._waits_in_vain(place)] or alive

    def go(self, place: int) -> None:
        process = self.processes[place]
        if self._waits_in_vain(place):
            self.bucket.clock.now += A_LONG_TIME
        result = None if process.next == "wait" else self.bucket.carry_out(*process.history.next)
        process.history = process.history.after(result, self.bucket.clock.now)
        process.waits_on = self.bucket.locks if process.next == "wait" else None

    def _waits_in_vain(self, place: int) -> bool:
        """Whether another attempt would have the same result."""
        waits_on = self.processes[place].waits_on
        return waits_on is not None and waits_on == self.bucket.locks

    @property
    def state(self) -> Hashable:
        """Two worlds with the same state have the same next steps."""
        objects, clock = self.bucket.objects, self.bucket.clock
        return frozenset(objects.items()), clock.now, clock.writes, *(process.state for process in self.processes)


def explore(world: World, look: Callable[[World], None]) -> Iterator[World]:
    """Visit every order of steps, but each state only once. Calls `look` in each, and yields it for the test to go on."""
    known = {world.state}
    worlds = [world.copy()]
    while worlds:
        world = worlds.pop()
        for place in reversed(world.ready):
            later = world.copy()
            later.go(place)
            if (state := later.state) not in known:
                known.add(state)
                worlds.append(later)
        look(world)
        yield world


def wander(world: World, look: Callable[[World], None], choices: Random) -> None:
    """One order of steps, for worlds with too many orders to visit all of them."""
    world = world.copy()
    while ready := world.ready:
        world.go(choices.choice(ready))
        look(world)
