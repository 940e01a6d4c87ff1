"""What a destination holds: its releases, and what is left of those that a prune has begun to delete."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from release_static.errors import ReleaseStaticError
from release_static.manifest import (
    EXPIRED,
    NAME,
    PINNED,
    RELEASES,
    REPUBLISHED,
    Manifest,
    ManifestError,
    note,
    path,
)
from release_static.publishing.destination import Destination, Entry
from release_static.releases.retention import Release, newest_first


class UnknownRelease(ReleaseStaticError):
    """A release that is not published here."""


@dataclass
class Inventory:
    """`releases` are the newest first."""

    destination: Destination
    releases: list[Release] = field(default_factory=list)
    # Manifests that cannot be read, each with the reason.
    problems: list[str] = field(default_factory=list)
    # Hashed names of a release whose manifest is gone, or about to go, and whose files a prune did not get to.
    leftovers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # The names before hashing, of all these.
    originals: set[str] = field(default_factory=set)

    def get(self, release_id: str) -> Release:
        """Raises UnknownRelease if it is not among these."""
        for release in self.releases:
            if release.id == release_id:
                return release
        there = ", ".join(release.id for release in self.releases[:5]) or "none"
        raise UnknownRelease(
            f"Release {release_id} is not published.\n"
            f"  looked at: {self.destination.location(path(release_id))}\n"
            f"  releases:  {there}{', ...' if len(self.releases) > 5 else ''}\n"
            "To see them all: manage.py releases"
        )


def take(destination: Destination, progress: Callable[[int, int], object] = lambda done, all: None) -> Inventory:
    """Read all manifests. `progress` is told how many are read, of how many.

    The names are kept once, however many manifests name them, so that the memory does not grow with the releases.
    """
    notes = {entry.name: entry for entry in destination.entries(f"{RELEASES}/")}
    wanted = [name for name in notes if _parts(name)[1] in (NAME, EXPIRED)]
    inventory = Inventory(destination)
    for done, (name, content) in enumerate(destination.read(wanted), 1):
        release_id, kind = _parts(name)
        try:
            if content is None:
                raise ManifestError(f"The manifest {destination.location(name)} was deleted just now.")
            manifest = Manifest.parse(content, destination.location(name))
        except ManifestError as error:
            inventory.problems.append(str(error))
            continue
        hashed = _once(manifest.paths.values())
        inventory.originals.update(_once(name for name, stored in manifest.paths.items() if name != stored))
        if kind == EXPIRED:
            inventory.leftovers[release_id] = hashed
        else:
            inventory.releases.append(_release(release_id, manifest, hashed, notes))
        progress(done, len(wanted))
    inventory.releases = newest_first(inventory.releases)
    return inventory


def _release(release_id: str, manifest: Manifest, hashed: tuple[str, ...], notes: dict[str, Entry]) -> Release:
    published_at = datetime.fromtimestamp(notes[note(release_id, NAME)].modified, UTC)
    by = ""
    # One that was copied by hand says when another one was published, and one that Django wrote says nothing.
    if manifest.release.get("id") == release_id:
        published_at = _time(manifest.release.get("created_at")) or published_at
        by = str(manifest.release.get("created_by", ""))
    if again := notes.get(note(release_id, REPUBLISHED)):
        published_at = max(published_at, datetime.fromtimestamp(again.modified, UTC))
    return Release(release_id, published_at, hashed, by, pinned=note(release_id, PINNED) in notes)


def _parts(name: str) -> tuple[str, str]:
    """(release id, file name) of what stands beside a manifest; ("", "") of anything else."""
    parts = name.split("/")
    return (parts[1], parts[2]) if len(parts) == 3 else ("", "")


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(sys.intern, names)))


def _time(text: object) -> datetime | None:
    """None if this is no time, or one of an unknown time zone."""
    try:
        time = datetime.fromisoformat(str(text))
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None
