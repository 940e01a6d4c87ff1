"""Keep what was published before there were releases, as a release of its own."""

from pathlib import Path

from release_static.errors import ReleaseStaticError
from release_static.manifest import NAME, ManifestError, beside
from release_static.publishing import locks, marker
from release_static.publishing.destination import Destination
from release_static.publishing.names import is_inside
from release_static.publishing.predecessor import Predecessor, parse


class AdoptionError(ReleaseStaticError):
    """There is nothing to adopt."""


def adopt(file: Path | None, destination: Destination, say: locks.Say) -> tuple[Predecessor, list[str]]:
    """Make a manifest of Django's own a pinned release; returns it, and the files it names that do not exist.

    The manifest is this file, or without one the destination's staticfiles.json; it stays as it is. Tells `say` about a
    prune that it waits for. Raises AdoptionError or ManifestError if it is no manifest.
    """
    where = str(file or destination.location(NAME))
    if file is None:
        content = destination.read(NAME)
    else:
        content = file.read_bytes() if file.is_file() else None
    if content is None:
        raise AdoptionError(
            f"There is no manifest of Django's own to adopt.\n"
            f"  looked at: {where}\n"
            "If the old storage wrote it elsewhere, name the file: manage.py releases adopt FILE"
        )
    found = parse(content, where)
    if found.manifest.release:
        raise ManifestError(f"The manifest {where} is that of a release already. Nothing has to be adopted.")
    names = [name for name in found.manifest.paths.values() if is_inside(name)]
    with locks.shared(destination, say) as lock:
        existing = lock.existing(names)
        lock.check()
        # It belongs to no environment: one that was emptied says so.
        destination.write(beside(found.id, marker.environment(marker.PRODUCTION)), b"")
        destination.write(beside(found.id, marker.PINNED), marker.content())
        destination.write(beside(found.id, NAME), content)
        destination.sync()
    return found, [name for name in names if name not in existing]
