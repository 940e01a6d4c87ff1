"""Decide which releases expire and which files to delete. These are pure functions, without I/O.

In each environment, a release is kept while it is one of the newest 5 or was superseded less than 14 days ago. The
newest of each environment, the current release and pinned ones are always kept. A release is superseded when the next
one is published in that environment, so one that was live until a minute ago is recent, however old it is. It expires
when no environment keeps it. A file is deleted if an expired release uses it and no other release does.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from release_static.manifest import RELEASES
from release_static.publishing.destination import Entry
from release_static.publishing.names import sibling_of


@dataclass(frozen=True, slots=True)
class Release:
    """A published release; `hashed` are the names of its files."""

    id: str
    hashed: tuple[str, ...]
    # The last time, in any environment.
    published_at: datetime
    # The last time, by environment; empty if all of them were retired.
    published: dict[str, datetime] = field(default_factory=dict)
    # By the publisher's clock, from the manifest. Only used to order releases of the same second.
    created_at: str = ""
    created_by: str = ""
    pinned: bool = False


class Reason(NamedTuple):
    """Why a release is kept: "current", "pinned", or in an environment "newest" or "recent"."""

    kind: str
    environment: str = ""


@dataclass(frozen=True)
class Decision:
    """A release expires if there is no reason to keep it."""

    release: Release
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Policy:
    """Keep, in each environment, the newest `keep` releases and those that were superseded in the last `days`.

    Modelled on restic's forget: https://restic.readthedocs.io/en/stable/060_forget.html
    """

    keep: int = 5
    days: float = 14

    def apply(self, releases: list[Release], current: str, now: datetime) -> list[Decision]:
        """One decision for each release, in the same order; the release with the id `current` is always kept."""
        reasons: dict[str, list[Reason]] = {release.id: [] for release in releases}
        for release in releases:
            if release.id == current:
                reasons[release.id].append(Reason("current"))
            if release.pinned:
                reasons[release.id].append(Reason("pinned"))
        for environment in environments(releases):
            for place, (release, end) in enumerate(history(releases, environment)):
                if place < self.keep:
                    reasons[release.id].append(Reason("newest", environment))
                elif end is None or now - end <= timedelta(days=self.days):
                    reasons[release.id].append(Reason("recent", environment))
        return [Decision(release, tuple(reasons[release.id])) for release in releases]


@dataclass(frozen=True, slots=True)
class Usage:
    """`size` in bytes, of which `own` are in files that no other release uses. Both include compressed copies."""

    files: int
    size: int
    own: int


def environments(releases: list[Release]) -> list[str]:
    return sorted({environment for release in releases for environment in release.published})


def history(releases: list[Release], environment: str) -> list[tuple[Release, datetime | None]]:
    """The releases of an environment, newest first, each with when it was superseded there (None for the newest)."""
    published = [release for release in releases if environment in release.published]
    published.sort(key=lambda release: (release.published[environment], release.created_at, release.id), reverse=True)
    ends = [None, *(release.published[environment] for release in published)]
    return list(zip(published, ends, strict=False))


def superseded(releases: list[Release]) -> dict[str, dict[str, datetime | None]]:
    """By the id of a release and then by environment, when it was superseded there (None for the newest)."""
    ends: dict[str, dict[str, datetime | None]] = {release.id: {} for release in releases}
    for environment in environments(releases):
        for release, end in history(releases, environment):
            ends[release.id][environment] = end
    return ends


def sweep(
    entries: Iterable[Entry], kept: Container[str], expired: Container[str], originals: Container[str]
) -> Iterator[Entry]:
    """The files to delete: those in `expired` but not in `kept`, with their compressed copies and source maps.

    `kept` and `expired` are hashed names. `originals` are names before hashing, which are never deleted.
    """
    for entry in entries:
        name = entry.name
        private = name.startswith(f"{RELEASES}/")
        stays = name in kept or name.rpartition(".")[0] in kept or name in originals or private
        if not stays and (name in expired or sibling_of(name) in expired):
            yield entry


def usage(releases: list[Release], entries: Iterable[Entry]) -> dict[str, Usage]:
    """The files that each release uses, by id."""
    owners: dict[str, str] = {}
    for release in releases:
        for name in release.hashed:
            owners[name] = release.id if owners.get(name, release.id) == release.id else ""
    counts = dict.fromkeys(owners, 0)
    sizes = dict.fromkeys(owners, 0)
    for entry in entries:
        name = entry.name if entry.name in owners else sibling_of(entry.name)
        if name in owners:
            counts[name] += 1
            sizes[name] += entry.size
    return {
        release.id: Usage(
            files=sum(counts[name] for name in release.hashed),
            size=sum(sizes[name] for name in release.hashed),
            own=sum(sizes[name] for name in release.hashed if owners[name]),
        )
        for release in releases
    }
