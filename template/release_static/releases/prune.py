"""Delete the releases that expired, and the files that only they name.

A manifest that is there is whole at every moment, also after a kill: an expired one is taken away before the first of its
files. It is kept aside as `expired.json` until the last of them is gone, so that the next prune can go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from release_static import inventory, retention
from release_static.errors import ReleaseStaticError
from release_static.flags import Flag
from release_static.releases.inventory import Inventory, UnknownRelease
from release_static.manifest import EXPIRED, PINNED, RECORD, REPUBLISHED, note, path
from release_static.publishing.destination import Destination, Entry
from release_static.releases.retention import Policy, Release, Verdict

BATCH = 1000  # files; what S3 deletes in one request


class PruneError(ReleaseStaticError):
    """Nothing was deleted."""


@dataclass(frozen=True)
class Plan:
    verdicts: list[Verdict]
    # Ids of releases that an earlier prune did not finish.
    leftovers: list[str]
    # Named by expired releases alone.
    files: list[Entry]
    unclaimed: list[Entry]

    @property
    def expired(self) -> list[Release]:
        return [verdict.release for verdict in self.verdicts if not verdict.reasons]

    @property
    def kept(self) -> list[Release]:
        return [verdict.release for verdict in self.verdicts if verdict.reasons]


def prepare(
    destination: Destination,
    current: str,
    policy: Policy,
    now: datetime,
    *,
    unclaimed: bool = False,
    progress: Callable[[int, int], object] = lambda done, all: None,
) -> Plan:
    """What `prune` would do. Raises PruneError where it is not certain what is in use."""
    if policy.keep < 1 or policy.days < 0:
        raise PruneError(
            f"--keep is {policy.keep} and --days is {policy.days:g}. At least the newest release stays: --keep 1 or "
            "more, --days 0 or more."
        )
    found = inventory.take(destination, progress)
    _check(found, current)
    verdicts = retention.judge(found.releases, current, policy, now)
    kept = {name for verdict in verdicts if verdict.reasons for name in verdict.release.hashed}
    expired = {name for verdict in verdicts if not verdict.reasons for name in verdict.release.hashed}
    expired.update(name for names in found.leftovers.values() for name in names)
    files = list(retention.sweep(destination.entries(), kept, expired, found.originals))
    strays = []
    if unclaimed:
        strays = list(retention.unclaimed(destination.entries(), kept | expired, found.originals, now))
    return Plan(verdicts, list(found.leftovers), files, strays)


def prune(plan: Plan, destination: Destination, flag: Flag) -> Iterator[int]:
    """Carry out the plan, yielding how many files have been deleted so far.

    `flag` is one of "pruning" that was raised before the plan was made. Stops at the first error; running again goes on.
    """
    expired = [release.id for release in plan.expired]
    for batch in _batches(path(release_id) for release_id in expired):
        for name, content in destination.read(batch):
            flag.keep()
            if content is not None:
                destination.write(note(name.split("/")[1], EXPIRED), content)
        destination.settle()
        flag.keep()
        destination.delete(batch)
        # Before any of its files: after a crash of the machine a manifest must not be back that is no longer whole.
        destination.settle()
    deleted = 0
    for batch in _batches(entry.name for entry in [*plan.files, *plan.unclaimed]):
        flag.keep()
        destination.delete(batch)
        deleted += len(batch)
        yield deleted
    destination.settle()
    gone = {*expired, *plan.leftovers} - {release.id for release in plan.kept}
    for batch in _batches(note(release_id, name) for release_id in gone for name in (RECORD, REPUBLISHED, PINNED)):
        flag.keep()
        destination.delete(batch)
    for batch in _batches(note(release_id, EXPIRED) for release_id in [*expired, *plan.leftovers]):
        flag.keep()
        destination.delete(batch)
    destination.settle()


def _check(found: Inventory, current: str) -> None:
    if found.problems:
        problems = "\n  ".join(found.problems)
        raise PruneError(
            f"What these manifests name cannot be told, so nothing was deleted:\n  {problems}\n"
            "Mend them, or delete them if no process uses them."
        )
    try:
        found.get(current)
    except UnknownRelease as error:
        raise PruneError(
            f"{error}\nSo what is in use cannot be told, and nothing was deleted. Prune as the release that is deployed, "
            "after its collectstatic: RELEASE_ID=<its id> python manage.py releases prune"
        ) from error


def _batches(names: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(names, BATCH)):
        yield batch
