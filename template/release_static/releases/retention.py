"""Which releases expire, and which files go with them. Nothing here reads or writes: manifests in, plan out.

A release stays until it is both older than the newest 5 and superseded for more than 14 days; the current one and pinned
ones always stay. It is superseded when the next release is published, so the one that was live until a minute ago is
young, however long ago it was published itself. Files go by reference: those that an expired release names and no other.
"""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from release_static.manifest import RELEASES
from release_static.publishing.destination import Entry

# What a compressor puts beside a file, under the name of that file and one of these.
SIBLINGS = (".gz", ".br", ".zst")
UNCLAIMED_AFTER = timedelta(days=1)
_HASHED = re.compile(r"(?P<stem>.+)\.(?P<hash>[0-9a-f]{12})(?P<extension>\.[^./]*)?")


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
class Policy:
    """Expired is what is neither among the newest `keep` nor was current in the last `days`."""

    keep: int = 5
    days: float = 14


@dataclass(frozen=True)
class Verdict:
    """Why a release stays; it expires where that is empty."""

    release: Release
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """`size` in bytes; `own` are those bytes that no other release names. Both count compressed siblings."""

    files: int
    size: int
    own: int


def newest_first(releases: Iterable[Release]) -> list[Release]:
    return sorted(releases, key=lambda release: (release.published_at, release.id), reverse=True)


def superseded(releases: list[Release]) -> dict[str, datetime | None]:
    """When the next release was published, by id; None for the newest. `releases` are the newest first."""
    following = [None, *(release.published_at for release in releases)]
    return {release.id: at for release, at in zip(releases, following, strict=False)}


def judge(releases: list[Release], current: str | None, policy: Policy, now: datetime) -> list[Verdict]:
    """`releases` are the newest first, and so are the verdicts."""
    superseded_at = superseded(releases)
    verdicts = []
    for place, release in enumerate(releases):
        end = superseded_at[release.id]
        reasons = {
            "current": release.id == current,
            "pinned": release.pinned,
            "newest": place < policy.keep,
            "recent": end is not None and now - end <= timedelta(days=policy.days),
        }
        verdicts.append(Verdict(release, tuple(reason for reason, applies in reasons.items() if applies)))
    return verdicts


def sweep(
    entries: Iterable[Entry], kept: Container[str], expired: Container[str], originals: Container[str]
) -> Iterator[Entry]:
    """What may be deleted: named in `expired` and not in `kept`, with its compressed siblings.

    `kept` and `expired` are hashed names, `originals` the names that visitors may know, which stay for ever.
    """
    for entry in entries:
        name = entry.name
        stays = name in kept or name.rpartition(".")[0] in kept or name in originals or _is_ours(name)
        if not stays and (name in expired or sibling_of(name) in expired):
            yield entry


def unclaimed(
    entries: Iterable[Entry], claimed: Container[str], originals: Container[str], now: datetime
) -> Iterator[Entry]:
    """What a publication left that died: hashed names of an original that is known, a day old, which nobody names.

    An original that itself looks hashed is taken for one as soon as no manifest is left that has it.
    """
    entries = list(entries)
    there = {entry.name for entry in entries}
    for entry in entries:
        name = sibling_of(entry.name) or entry.name
        match = _HASHED.fullmatch(name)
        if match is None or _is_ours(name):
            continue
        original = f"{match['stem']}{match['extension'] or ''}"
        if original not in there and original not in originals:
            continue
        if any(known in claimed or known in originals for known in (entry.name, name)):
            continue
        if now - datetime.fromtimestamp(entry.modified, UTC) > UNCLAIMED_AFTER:
            yield entry


def usage(releases: list[Release], entries: Iterable[Entry]) -> dict[str, Usage]:
    """What each release takes, by id."""
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


def hash_in(name: str) -> str:
    """The hash that Django put into this name, or ""."""
    match = _HASHED.fullmatch(name)
    return match["hash"] if match else ""


def sibling_of(name: str) -> str:
    """The name of the file that this one is a compressed sibling of, or ""."""
    stem, dot, extension = name.rpartition(".")
    return stem if dot + extension in SIBLINGS else ""


def _is_ours(name: str) -> bool:
    return name.startswith(f"{RELEASES}/")
