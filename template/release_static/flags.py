"""Flags in `.releases/` that say who is publishing and who is pruning at this destination.

They need no locks and no clock that all agree on, so they do on S3 as on disk. Each writes its flag before it looks for
those of others, so of two at least one sees the other: a publisher waits until the prune is over, a prune gives way to
everyone. Whoever is at work writes its flag anew now and then. A flag that stays as it is belongs to a process that was
killed; it is removed, and if the process was only asleep, it finds its flag gone and stops. An empty flag is none.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from uuid import uuid4

from release_static.errors import ReleaseStaticError
from release_static.manifest import RELEASES, stamp
from release_static.publish import Destination, Entry, Survey

PREFIX = f"{RELEASES}/.flag-"
# Seconds after which a flag that was not renewed is that of a killed process. A publisher may take long over one large
# file; a prune works in small batches, and publishers wait for it.
DEAD_AFTER = {"publishing": 60 * 60, "pruning": 10 * 60}
RENEWED_AFTER = 60  # seconds
_POLL = 1  # seconds


class FlagError(ReleaseStaticError):
    """Another process is at work, or has taken this one for dead."""


class Flag:
    """`kind` is "publishing", for all that relies on files that are there, or "pruning", for what deletes them."""

    def __init__(self, kind: str, destination: Destination) -> None:
        self._kind = kind
        self._destination = destination
        self._content = stamp()
        self._name = ""
        self._written = 0.0
        # What was there when no prune was at work any more.
        self.seen = Survey({}, [])

    def keep(self) -> None:
        """Call it between steps and before those that count: it renews the flag when that is due.

        Raises FlagError if this process was taken for dead.
        """
        if self._is_fresh():
            return
        previous = self._name
        self.write()
        if self._kind == "publishing":
            self.wait(_ignore)
        if previous not in self._flags():
            raise self._lost()
        self._destination.discard(previous)

    def confirm(self) -> None:
        """Raises FlagError if this process was taken for dead."""
        if not self._is_fresh() and self._name not in self._flags():
            raise self._lost()

    def _is_fresh(self) -> bool:
        """Whether it was written so lately that nobody can take this process for dead."""
        # A clock that was set back must not say so.
        return abs(time.time() - self._written) < RENEWED_AFTER

    def write(self) -> None:
        """Under a new name: to renew a flag that is being removed would hide that."""
        self._name = f"{PREFIX}{self._kind}-{uuid4().hex}"
        self._destination.write(self._name, self._content)
        self._written = time.time()

    def wait(self, say: Callable[[str], object], names: Iterable[str] | None = None) -> None:
        """Until no prune is at work; `say` which one that is. Then `seen` is a survey of these names, if any are given."""
        wanted = None if names is None else list(names)

        def look() -> list[Entry]:
            if wanted is None:
                return self._look()
            self.seen = self._destination.survey(wanted)
            return self.seen.releases

        while pruning := self._others(["pruning"], look):
            say(
                f"Waiting for a prune to end: {self._describe(pruning[0])}. If it was killed, this goes on "
                f"{_remedy(pruning[0], self._destination)}"
            )
            say = _ignore
            time.sleep(_POLL)
            self._destination.write(self._name, self._content)  # by its time stamp the age of others is told

    def demand_to_be_alone(self) -> None:
        """Raises FlagError if anybody else is at work."""
        for other in self._others(list(DEAD_AFTER), self._look):
            raise FlagError(
                f"Somebody else is {_kind(other)}: {self._describe(other)}.\n"
                "Nothing was deleted. Try again when that is over. If that process was killed, prune works again "
                f"{_remedy(other, self._destination)}"
            )

    def lower(self) -> None:
        self._destination.discard(self._name)

    def sweep(self) -> None:
        """Delete this flag, and those that publishers only emptied."""
        empty = [entry.name for entry in self._look() if entry.size == 0]
        self._destination.delete([self._name, *empty])

    def _look(self) -> list[Entry]:
        return list(self._destination.entries(PREFIX))

    def _flags(self, look: Callable[[], list[Entry]] | None = None) -> dict[str, Entry]:
        return {entry.name: entry for entry in (look or self._look)() if entry.name.startswith(PREFIX) and entry.size}

    def _others(self, kinds: list[str], look: Callable[[], list[Entry]]) -> list[Entry]:
        """The flags of these kinds, but for this one, of living processes; those of dead ones are removed."""
        while True:
            flags = self._flags(look)
            mine = flags.pop(self._name, None)
            if mine is None:
                raise self._lost()
            others = [flag for flag in flags.values() if _kind(flag) in kinds]
            dead = [flag.name for flag in others if mine.modified - flag.modified > DEAD_AFTER[_kind(flag)]]
            if not dead:
                return others
            for name in dead:
                self._destination.discard(name)
            # Then look again: its owner may have come back in between.

    def _describe(self, flag: Entry) -> str:
        [(_, content)] = self._destination.read([flag.name])
        try:
            stored = json.loads(content or b"")
            return f"{stored['by']}, since {stored['at']}"
        except (ValueError, TypeError, KeyError):
            return self._destination.location(flag.name)

    def _lost(self) -> FlagError:
        return FlagError(
            f"This process was {self._kind} and stood still for so long that another one took it for dead and removed "
            f"its flag in {self._destination.location(RELEASES)}. Run the command again: it goes on where it stopped."
        )


@contextmanager
def publishing(
    destination: Destination, say: Callable[[str], object], find_names: Callable[[], Iterable[str]] | None = None
) -> Iterator[Flag]:
    """Keeps what is there from being pruned. Waits for a prune that is at work, and tells `say` about it.

    The flag's `seen` is a survey of the names that `find_names` gives, if any. It runs while the flag is being raised.
    """
    flag = Flag("publishing", destination)
    try:
        with ThreadPoolExecutor(1) as pool:
            raising = pool.submit(flag.write)
            names = find_names() if find_names else None
            raising.result()  # or its error
        flag.wait(say, names)
        yield flag
    finally:
        with suppress(OSError):
            flag.lower()


@contextmanager
def pruning(destination: Destination) -> Iterator[Flag]:
    """Nobody publishes or prunes meanwhile, or FlagError."""
    flag = Flag("pruning", destination)
    try:
        flag.write()
        flag.demand_to_be_alone()
        yield flag
    finally:
        with suppress(OSError):
            flag.sweep()


def _remedy(flag: Entry, destination: Destination) -> str:
    minutes = DEAD_AFTER[_kind(flag)] // 60
    return f"{minutes} minutes after it last renewed its flag, or once you delete that:\n  {destination.location(flag.name)}"


def _kind(flag: Entry) -> str:
    kind = flag.name.removeprefix(PREFIX).partition("-")[0]
    return kind if kind in DEAD_AFTER else "pruning"


def _ignore(_: str) -> None:
    pass
