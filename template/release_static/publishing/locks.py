"""Locks at a destination: shared ones for publishing, exclusive ones for pruning.

They need neither a lock server nor synchronized clocks, so they work in a bucket as well as on disk. Every process
writes its lock file before it lists the others, so of any two, at least one sees the other. A publisher that sees a
prune releases its own lock, waits and starts over. A prune waits for the publishers that it sees; later ones wait for it.

A lock is valid for a fixed time and is never renewed. Its owner checks its own clock before every step that relies on
the lock, and stops in time; other processes compare time stamps set by the destination. So the lock of a killed process
soon expires. An empty lock file is a released lock, because publishers may not be allowed to delete.

Source: restic's locks, https://restic.readthedocs.io/en/stable/100_references.html#locks
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from release_static.errors import ReleaseStaticError, printable
from release_static.manifest import RELEASES
from release_static.publishing import marker
from release_static.publishing.destination import Destination, Entry
from release_static.publishing.sigterm import exit_on_sigterm

PREFIX = f"{RELEASES}/.lock-"
SHARED, EXCLUSIVE = "shared", "exclusive"
# Seconds. Publishing may take long; publishers wait for a prune.
LIFETIME = {SHARED: 60 * 60, EXCLUSIVE: 15 * 60}
# Its owner stops this many seconds before it expires. No request takes longer: at most 4 attempts of 40 s.
MARGIN = 5 * 60
_POLL = 0.5  # seconds

Say = Callable[[str], object]


class LockError(ReleaseStaticError):
    """Another process holds a lock, or this one has held its own for too long."""


class Held(NamedTuple):
    """Another process's lock, and in how many seconds it expires."""

    name: str
    ends_in: float


class Lock:
    """A lock of this process: SHARED, to rely on files that exist, or EXCLUSIVE, to delete some."""

    def __init__(self, kind: str, destination: Destination) -> None:
        self.kind = kind
        self.destination = destination
        self.name = ""
        self._acquired = _clocks()
        self.acquired_at: datetime | None = None  # by the destination's clock, once it was listed

    def acquire(self) -> None:
        self.name = f"{PREFIX}{self.kind}-{uuid4().hex}"
        self._acquired = _clocks()
        self.destination.write(self.name, marker.content())

    def release(self) -> None:
        self.destination.discard(self.name)

    def check(self) -> None:
        """Called before each step that relies on the lock. Raises LockError if the lock may expire during the step."""
        limit = LIFETIME[self.kind] - MARGIN
        if any(now - then > limit for now, then in zip(_clocks(), self._acquired, strict=True)):
            raise LockError(
                f"This took longer than {limit // 60} minutes, and a lock in {self.destination.location(RELEASES)} "
                "counts for little longer. Run the command again: it resumes."
            )

    def others(self, kind: str, entries: Iterable[Entry]) -> list[Held]:
        """The locks of this kind in a listing that was made after `acquire`.

        Raises LockError if this process's own lock is missing.
        """
        locks = {entry.name: entry for entry in entries if entry.name.startswith(PREFIX) and entry.size}
        own = locks.pop(self.name, None)
        if own is None:
            raise LockError(
                f"The lock of this process, {self.destination.location(self.name)}, was deleted. Run the command again."
            )
        self.acquired_at = own.modified_at()
        held = [Held(lock.name, lock.modified + LIFETIME[kind] - own.modified) for lock in locks.values()]
        return [lock for lock in held if lock.name.startswith(f"{PREFIX}{kind}-") and lock.ends_in >= 0]

    def describe(self, lock: Held) -> str:
        owner = marker.describe(self.destination.read(lock.name))
        minutes = max(1, round(lock.ends_in / 60))
        return (
            f"{owner or 'an unknown process'}. If that process was killed, its lock ends in {minutes} "
            f"minute{'s' if minutes > 1 else ''}; to end it now, delete it:\n"
            f"  {printable(self.destination.location(lock.name))}"
        )


class SharedLock(Lock):
    """The files that `existing` returned are not pruned until this lock is released.

    The lock file is written in the background, because nothing relies on it before `existing`.
    """

    def __init__(self, destination: Destination, say: Say, background: Executor) -> None:
        super().__init__(SHARED, destination)
        self._say = say
        self._writing = background.submit(self.acquire)

    def release(self) -> None:
        if self._writing.exception() is None:
            super().release()

    def existing(self, names: Iterable[str] = ()) -> dict[str, Entry]:
        """What exists under these names and in `.releases/`, once no prune is running."""
        self._writing.result()  # or its error
        wanted = list(names)
        existing = self.destination.existing(wanted)
        while prunes := self.others(EXCLUSIVE, existing.values()):
            self._wait_for(prunes[0])
            existing = self.destination.existing(wanted)
        return existing

    def _wait_for(self, prune: Held) -> None:
        self._say(f"Waiting for a prune: {self.describe(prune)}")
        self.release()
        deadline = time.monotonic() + prune.ends_in
        while time.monotonic() < deadline and _is_held(prune, self.destination):
            time.sleep(_POLL)
        self.acquire()


@contextmanager
def shared(destination: Destination, say: Say) -> Iterator[SharedLock]:
    """A lock for publishing. Calls `say` with a message if it waits for a prune."""
    with exit_on_sigterm(), ThreadPoolExecutor(1) as background:
        lock = SharedLock(destination, say, background)
        try:
            yield lock
        finally:
            with suppress(OSError):
                lock.release()


@contextmanager
def exclusive(destination: Destination, say: Say, wait: float = 60) -> Iterator[Lock]:
    """A lock for deleting. Waits up to `wait` seconds for running publishers, and calls `say` with a message.

    Raises LockError if they take longer, or if another prune is running.
    """
    lock = Lock(EXCLUSIVE, destination)
    with exit_on_sigterm():
        try:
            lock.acquire()
            entries = list(destination.entries(PREFIX))
            for prune in lock.others(EXCLUSIVE, entries):
                raise LockError(f"Nothing was deleted: another prune is running, by {lock.describe(prune)}")
            _wait_for_publishers(lock, entries, say, wait)
            yield lock
        finally:
            with suppress(OSError):
                _release_and_sweep(lock)


def _wait_for_publishers(lock: Lock, entries: list[Entry], say: Say, wait: float) -> None:
    deadline = time.monotonic() + wait
    for publisher in lock.others(SHARED, entries):
        if _is_held(publisher, lock.destination):
            say(f"Waiting for a publication: {lock.describe(publisher)}")
        while _is_held(publisher, lock.destination):
            if time.monotonic() >= deadline:
                raise LockError(
                    f"Nothing was deleted: after {wait:g} seconds a publication is still running, by "
                    f"{lock.describe(publisher)}"
                )
            time.sleep(_POLL)


def _release_and_sweep(lock: Lock) -> None:
    """Delete this lock, and all that are released or expired. If deleting is not allowed, only release this one."""
    entries = list(lock.destination.entries(PREFIX))
    own = next((entry for entry in entries if entry.name == lock.name), None)
    too_old = own.modified - max(LIFETIME.values()) if own else 0
    ended = [entry.name for entry in entries if not entry.size or entry.modified < too_old]
    try:
        lock.destination.delete([lock.name, *ended])
    except OSError:
        lock.release()


def _is_held(lock: Held, destination: Destination) -> bool:
    return any(entry.size for entry in destination.entries(lock.name))


def _clocks() -> tuple[float, float]:
    """Seconds by two clocks: one may be set back, the other may stop while the machine sleeps."""
    return time.time(), time.monotonic()
