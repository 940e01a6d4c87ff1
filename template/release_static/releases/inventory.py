"""The releases at a destination, including those that a prune has begun to delete."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from release_static.errors import ReleaseStaticError
from release_static.manifest import NAME, RELEASES, Manifest, ManifestError, path
from release_static.publishing.destination import Destination, Entry
from release_static.publishing.marker import EXPIRED, PINNED, PRODUCTION, environment_of
from release_static.releases.retention import Release, environments, history


class UnknownRelease(ReleaseStaticError):
    """This release is not published here. `others` are the ids of those that are, latest first."""

    def __init__(self, release_id: str, destination: Destination, others: list[str]) -> None:
        some = ", ".join(others[:5]) or "none"
        super().__init__(
            f"Release {release_id} is not published.\n"
            f"  looked at: {destination.location(path(release_id))}\n"
            f"  releases:  {some}{', ...' if len(others) > 5 else ''}\n"
            "To see all of them: manage.py releases"
        )


class UnknownEnvironment(ReleaseStaticError):
    """Nothing was published in this environment. `others` are the environments that have releases."""

    def __init__(self, environment: str, destination: Destination, others: list[str]) -> None:
        super().__init__(
            f"Nothing is published in {environment}.\n"
            f"  looked at:    {destination}\n"
            f"  environments: {', '.join(others) or 'none'}"
        )


@dataclass
class Inventory:
    """`releases` are sorted by when they were published, latest first."""

    destination: Destination
    releases: list[Release] = field(default_factory=list)
    # The other files beside a manifest, by the id of its release and then by name.
    markers: dict[str, dict[str, Entry]] = field(default_factory=dict)
    # Why a manifest cannot be read, by its name.
    unreadable: dict[str, str] = field(default_factory=dict)
    # By id, the hashed names of releases that an interrupted prune left behind: their files may still exist.
    interrupted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # The names before hashing, of all these; not those of a bundler's files, which are not hashed again.
    originals: set[str] = field(default_factory=set)

    def get(self, release_id: str) -> Release:
        """Raises UnknownRelease if it is not published, ManifestError if its manifest cannot be read."""
        for release in self.releases:
            if release.id == release_id:
                return release
        if problem := self.unreadable.get(path(release_id)):
            raise ManifestError(problem)
        raise UnknownRelease(release_id, self.destination, [release.id for release in self.releases])

    def keep_only(self, environment: str) -> None:
        """Forget the releases that were not published in this environment. Raises UnknownEnvironment if none was."""
        if environment not in (known := environments(self.releases)):
            raise UnknownEnvironment(environment, self.destination, known)
        self.releases = [release for release, _ in history(self.releases, environment)]

    def before(self, release_id: str) -> str | None:
        """The id of the release that was published before this one, None for the first."""
        ids = [release.id for release in self.releases]
        return next(iter(ids[ids.index(release_id) + 1 :]), None)


def read_releases(
    destination: Destination, progress: Callable[[int, int], object] = lambda done, total: None
) -> Inventory:
    """Read all manifests. Calls `progress` with the number of manifests read and the total.

    Every name is stored once, however many manifests contain it, to save memory.
    """
    inventory, manifests = Inventory(destination), {}
    for entry in destination.entries(f"{RELEASES}/"):
        release_id, kind = _parts(entry.name)
        if kind in (NAME, EXPIRED):
            manifests[entry.name] = entry
        elif release_id:
            inventory.markers.setdefault(release_id, {})[kind] = entry
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
        inventory.originals.update(_interned(name for name, hashed in manifest.paths.items() if name != hashed))
        if kind == EXPIRED:
            inventory.interrupted[release_id] = hashed
        else:
            markers = inventory.markers.get(release_id, {})
            inventory.releases.append(_release(release_id, manifest, hashed, manifests[name], markers))
    inventory.releases.sort(key=lambda release: (release.published_at, release.created_at, release.id), reverse=True)
    return inventory


def read_manifest(release_id: str, destination: Destination) -> Manifest:
    """Raises UnknownRelease, or ManifestError if it cannot be read."""
    content = destination.read(path(release_id))
    if content is None:
        raise UnknownRelease(release_id, destination, destination.releases())
    return Manifest.parse(content, destination.location(path(release_id)))


def _release(
    release_id: str, manifest: Manifest, hashed: tuple[str, ...], entry: Entry, markers: dict[str, Entry]
) -> Release:
    """Times are by the destination's clock. The manifest has the time by the publisher's clock."""
    counting = {name: marker for name, marker in markers.items() if marker.size}
    published = {env: marker.modified_at() for name, marker in counting.items() if (env := environment_of(name))}
    if not any(map(environment_of, markers)):  # not even a retired one: written by Django or by hand
        published = {PRODUCTION: entry.modified_at()}
    # A manifest that was copied by hand describes another release, and one that Django wrote has no description.
    origin = manifest.release if manifest.release.get("id") == release_id else {}
    return Release(
        release_id,
        hashed,
        published_at=max(published.values(), default=entry.modified_at()),
        published={sys.intern(environment): at for environment, at in published.items()},
        created_at=str(origin.get("created_at") or ""),
        created_by=str(origin.get("created_by") or ""),
        pinned=PINNED in counting,
    )


def _parts(name: str) -> tuple[str, str]:
    """(release id, file name) of a file beside a manifest; ("", "") for any other file."""
    parts = name.split("/")
    return (parts[1], parts[2]) if len(parts) == 3 else ("", "")


def _interned(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(sys.intern, names)))
