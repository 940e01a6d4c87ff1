"""Delete expired releases, and the files that only they use.

If a manifest exists, so do all of its files, even after a crash: the manifest of an expired release is deleted before
the first of its files. A copy stays in `expired.json` until the last of them is deleted, so that the next prune can
resume.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from release_static.errors import ReleaseStaticError
from release_static.manifest import beside, path
from release_static.publishing.destination import Destination, Entry
from release_static.publishing.locks import Lock
from release_static.publishing.marker import EXPIRED
from release_static.publishing.predecessor import unadopted
from release_static.releases import retention
from release_static.releases.inventory import Inventory, UnknownRelease, read_releases
from release_static.releases.retention import Decision, Policy, Release

BATCH = 1000  # files; the limit of one DeleteObjects request


class PruneError(ReleaseStaticError):
    """Nothing was deleted."""


@dataclass(frozen=True)
class Plan:
    """What a prune deletes."""

    decisions: list[Decision]
    # Ids of releases that an interrupted prune left behind.
    interrupted: list[str]
    # Used only by releases that expire or that were left behind.
    files: list[Entry]
    # The other files beside manifests, by the id of a release and then by name.
    markers: dict[str, dict[str, Entry]]

    @property
    def expired(self) -> list[Release]:
        return [decision.release for decision in self.decisions if not decision.reasons]

    @property
    def kept(self) -> list[Release]:
        return [decision.release for decision in self.decisions if decision.reasons]

    @property
    def gone(self) -> set[str]:
        """The ids of all releases to delete."""
        ended = {*self.interrupted, *(release.id for release in self.expired)}
        return ended.difference(release.id for release in self.kept)


def prepare(
    destination: Destination,
    current: str,
    policy: Policy,
    now: datetime,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Plan:
    """What `prune` would do. Raises PruneError if it is not certain which files are in use."""
    if policy.keep < 1 or policy.days < 0:
        raise PruneError(
            f"--keep is {policy.keep} and --days is {policy.days:g}. At least the newest release stays: use --keep 1 or "
            "more, and --days 0 or more."
        )
    inventory = read_releases(destination, progress)
    _check(inventory, current)
    decisions = policy.apply(inventory.releases, current, now)
    kept = {name for decision in decisions if decision.reasons for name in decision.release.hashed}
    expired = {name for decision in decisions if not decision.reasons for name in decision.release.hashed}
    expired.update(name for names in inventory.interrupted.values() for name in names)
    files = list(retention.sweep(destination.entries(), kept, expired, inventory.originals))
    return Plan(decisions, list(inventory.interrupted), files, inventory.markers)


def prune(plan: Plan, destination: Destination, lock: Lock) -> Iterator[int]:
    """Carry out the plan, yielding how many files have been deleted so far.

    `lock` is exclusive and was acquired before the plan was made. Stops at the first OSError or ReleaseStaticError; the
    next prune resumes.
    """
    expired = [release.id for release in plan.expired]
    for ids in _batches(expired):
        _delete_manifests(ids, destination, lock)
    deleted = 0
    for batch in _batches(entry.name for entry in plan.files):
        lock.check()
        destination.delete(batch)
        deleted += len(batch)
        yield deleted
    destination.sync()
    kept = {release.id for release in plan.kept}
    markers = [beside(id, name) for id, names in plan.markers.items() if id not in kept for name in names]
    # Last, because they say what is left to delete.
    copies = [beside(release_id, EXPIRED) for release_id in {*expired, *plan.interrupted}]
    for names in (markers, copies):
        for batch in _batches(names):
            lock.check()
            destination.delete(batch)
        destination.sync()


def _delete_manifests(release_ids: list[str], destination: Destination, lock: Lock) -> None:
    """Each becomes `expired.json`."""
    ids = {path(release_id): release_id for release_id in release_ids}
    for name, content in destination.read_many(ids):
        lock.check()
        if content is not None:
            destination.write(beside(ids[name], EXPIRED), content)
    destination.sync()
    lock.check()
    destination.delete(ids)
    # Before deleting any files: a manifest without its files must not reappear after a crash of the machine.
    destination.sync()


def _check(inventory: Inventory, current: str) -> None:
    if inventory.unreadable:
        problems = "\n  ".join(sorted(inventory.unreadable.values()))
        raise PruneError(
            f"Nothing was deleted. These manifests cannot be read, so it is unknown which files they need:\n"
            f"  {problems}\n"
            "Restore them, or delete them if no process uses their releases."
        )
    if problem := unadopted(inventory.destination):
        raise PruneError(f"Nothing was deleted: {problem}")
    try:
        inventory.get(current)
    except UnknownRelease as error:
        raise PruneError(
            f"{error}\nNothing was deleted, because the current release is unknown. Run prune with the id of the "
            "deployed release, after its collectstatic: RELEASE_ID=<its id> python manage.py releases prune"
        ) from error


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(names)
    while batch := list(islice(remaining, BATCH)):
        yield batch
