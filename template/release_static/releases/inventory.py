"""Which releases exist at a destination, and which of them a prune has begun to delete."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from release_static.errors import ReleaseStaticError
from release_static.manifest import NAME, RELEASES, Manifest, ManifestError, beside, path
from release_static.publishing.destination import Destination, Entry
from release_static.publishing.marker import EXPIRED, PINNED, REPUBLISHED
from release_static.releases.retention import Release, newest_first

_LATEST = datetime.max.replace(tzinfo=UTC).timestamp() - 1


class UnknownRelease(ReleaseStaticError):
    """A release that is not published here. `others` are the ids of those that are, the latest first."""

    def __init__(self, release_id: str, destination: Destination, others: list[str]) -> None:
        some = ", ".join(others[:5]) or "none"
        super().__init__(
            f"Release {release_id} is not published.\n"
            f"  looked at: {destination.location(path(release_id))}\n"
            f"  releases:  {some}{', ...' if len(others) > 5 else ''}\n"
            "To see all of them: manage.py releases"
        )


@dataclass
class Inventory:
    """`releases` are the newest first."""

    destination: Destination
    releases: list[Release] = field(default_factory=list)
    # Why a manifest cannot be read, by its name.
    unreadable: dict[str, str] = field(default_factory=dict)
    # By id, the hashed names of releases that an interrupted prune left: their files may still exist.
    interrupted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Files that stand beside no manifest, because it was deleted by hand or never written.
    stray: list[str] = field(default_factory=list)
    # The names before hashing, of all these.
    originals: set[str] = field(default_factory=set)

    def get(self, release_id: str) -> Release:
        """Raises UnknownRelease if it is not published, ManifestError if its manifest cannot be read."""
        for release in self.releases:
            if release.id == release_id:
                return release
        if problem := self.unreadable.get(path(release_id)):
            raise ManifestError(problem)
        raise UnknownRelease(release_id, self.destination, [release.id for release in self.releases])

    def before(self, release_id: str) -> str | None:
        """The id of the release that was published before this one, None for the first."""
        ids = [release.id for release in self.releases]
        return next(iter(ids[ids.index(release_id) + 1 :]), None)


def read_releases(
    destination: Destination, progress: Callable[[int, int], object] = lambda done, total: None
) -> Inventory:
    """Read all manifests. `progress` is told how many are read, of how many.

    A name is kept once, however many manifests contain it, so that memory does not grow with the number of releases.
    """
    entries = {entry.name: entry for entry in destination.entries(f"{RELEASES}/")}
    manifests = [name for name in entries if _parts(name)[1] in (NAME, EXPIRED)]
    ids = {_parts(name)[0] for name in manifests}
    inventory = Inventory(destination, stray=[name for name in entries if _parts(name)[0] not in {"", *ids}])
    for done, (name, content) in enumerate(destination.read_many(manifests), 1):
        progress(done, len(manifests))
        release_id, kind = _parts(name)
        try:
            if content is None:
                raise ManifestError(f"The manifest {destination.location(name)} was deleted a moment ago.")
            manifest = Manifest.parse(content, destination.location(name))
        except ManifestError as error:
            inventory.unreadable[name] = str(error)
            continue
        hashed = _interned(manifest.paths.values())
        inventory.originals.update(_interned(manifest.paths))
        if kind == EXPIRED:
            inventory.interrupted[release_id] = hashed
        else:
            published_at = _published_at(release_id, manifest, entries)
            by = str(manifest.release.get("created_by") or "") if _is_of(release_id, manifest) else ""
            pinned = beside(release_id, PINNED) in entries
            inventory.releases.append(Release(release_id, published_at, hashed, by, pinned))
    inventory.releases = newest_first(inventory.releases)
    return inventory


def read_paths(release_id: str, destination: Destination) -> dict[str, str]:
    """The hashed name of each name in a release. Raises UnknownRelease or ManifestError."""
    content = destination.read(path(release_id))
    if content is None:
        raise UnknownRelease(release_id, destination, destination.releases())
    return Manifest.parse(content, destination.location(path(release_id))).paths


def _published_at(release_id: str, manifest: Manifest, entries: dict[str, Entry]) -> datetime:
    """When a release was published for the last time, given what exists in `.releases/`."""
    published_at = _modified(entries[path(release_id)])
    if _is_of(release_id, manifest):
        published_at = _time(manifest.release.get("created_at")) or published_at
    if republished := entries.get(beside(release_id, REPUBLISHED)):
        published_at = max(published_at, _modified(republished))
    return published_at


def _is_of(release_id: str, manifest: Manifest) -> bool:
    """Not if it was copied by hand, and says when another release was published, nor if Django wrote it itself."""
    return manifest.release.get("id") == release_id


def _parts(name: str) -> tuple[str, str]:
    """(release id, file name) of a file that stands beside a manifest; ("", "") of any other."""
    parts = name.split("/")
    return (parts[1], parts[2]) if len(parts) == 3 else ("", "")


def _interned(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(sys.intern, names)))


def _modified(entry: Entry) -> datetime:
    """A file system may have time stamps that a datetime cannot express."""
    return datetime.fromtimestamp(min(max(entry.modified, 0), _LATEST), UTC)


def _time(text: object) -> datetime | None:
    """None if this is not a time, or one without a time zone."""
    try:
        time = datetime.fromisoformat(str(text))
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None
