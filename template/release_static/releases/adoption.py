"""Turn the files published before the project used releases into a release."""

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
    """Make a pinned release from a manifest of Django's own. Returns it, and those of its files that do not exist.

    The manifest is `file`, by default the destination's staticfiles.json, and is not changed. Calls `say` with a
    message if it waits for a prune. Raises AdoptionError if there is no manifest, or ManifestError if it is not valid.
    """
    where = str(file or destination.location(NAME))
    if file is None:
        content = destination.read(NAME)
    else:
        content = file.read_bytes() if file.is_file() else None
    if content is None:
        raise AdoptionError(
            f"There is no manifest of Django's own storage to adopt.\n"
            f"  looked at: {where}\n"
            "If the old storage wrote it elsewhere, pass its path: manage.py releases adopt FILE"
        )
    found = parse(content, where)
    if found.manifest.release:
        raise ManifestError(f"The manifest {where} already belongs to a release. There is nothing to adopt.")
    names = [name for name in found.manifest.paths.values() if is_inside(name)]
    with locks.shared(destination, say) as lock:
        existing = lock.existing(names)
        lock.check()
        # It belongs to no environment, which an empty marker records.
        destination.write(beside(found.id, marker.environment(marker.PRODUCTION)), b"")
        destination.write(beside(found.id, marker.PINNED), marker.content())
        destination.write(beside(found.id, NAME), content)
        destination.sync()
    return found, [name for name in names if name not in existing]
