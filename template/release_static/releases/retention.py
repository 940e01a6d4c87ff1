"""Which releases expire, and which files go with them. Nothing here reads or writes: releases in, decisions out.

A release stays until it is both older than the newest 5 and superseded for more than 14 days; the current one and pinned
ones always stay. It is superseded when the next release is published, so the one that was live until a minute ago is
young, however long ago it was published itself. Files go by reference: those that an expired release names and no other.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from release_static.manifest import RELEASES
from release_static.publishing.destination import Entry
from release_static.publishing.names import sibling_of


@dataclass(frozen=True, slots=True)
class Release:
    """A release as its manifest describes it; `hashed` are the names of its files."""

    id: str
    # The last time, if it was published again.
    published_at: datetime
    hashed: tuple[str, ...]
    published_by: str = ""
    pinned: bool = False


@dataclass(frozen=True)
class Decision:
    """Why a release is kept: "current", "pinned", "newest", "recent". It expires if there is no reason."""

    release: Release
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Keep the newest `keep` releases, and those that were superseded in the last `days`.

    Source of applying it and giving the reasons: https://restic.readthedocs.io/en/stable/060_forget.html
    """

    keep: int = 5
    days: float = 14

    def apply(self, releases: list[Release], current: str, now: datetime) -> list[Decision]:
        """One decision a release. `releases` are the newest first; `current` is the id of one that always stays."""
        superseded_at = superseded(releases)
        decisions = []
        for place, release in enumerate(releases):
            end = superseded_at[release.id]
            reasons = {
                "current": release.id == current,
                "pinned": release.pinned,
                "newest": place < self.keep,
                "recent": end is not None and now - end <= timedelta(days=self.days),
            }
            decisions.append(Decision(release, tuple(reason for reason, holds in reasons.items() if holds)))
        return decisions


@dataclass(frozen=True, slots=True)
class Usage:
    """`size` in bytes; `own` are those bytes that no other release names. Both count compressed copies."""

    files: int
    size: int
    own: int


def newest_first(releases: Iterable[Release]) -> list[Release]:
    return sorted(releases, key=lambda release: (release.published_at, release.id), reverse=True)


def superseded(releases: list[Release]) -> dict[str, datetime | None]:
    """When the next release was published, by id; None for the newest. `releases` are the newest first."""
    following = [None, *(release.published_at for release in releases)]
    return {release.id: at for release, at in zip(releases, following, strict=False)}


def sweep(
    entries: Iterable[Entry], kept: Container[str], expired: Container[str], originals: Container[str]
) -> Iterator[Entry]:
    """The files to delete: those named in `expired` and not in `kept`, with their compressed copies and source maps.

    `kept` and `expired` are hashed names. `originals` are the names that visitors may know, which stay forever.
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
