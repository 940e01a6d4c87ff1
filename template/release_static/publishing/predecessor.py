"""The files published before the project used releases, as listed in the manifest of Django's own storage."""

import hashlib
from typing import NamedTuple

from release_static.manifest import NAME, Manifest, ManifestError, path
from release_static.publishing.destination import Destination


class Predecessor(NamedTuple):
    """`content` is that of the manifest. Processes that run the old code still read the original."""

    id: str
    content: bytes
    manifest: Manifest


def parse(content: bytes, where: str) -> Predecessor:
    """Raises ManifestError, which mentions `where`, if this is not a manifest."""
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Predecessor(f"before-{digest}", content, Manifest.parse(content, where))


def unadopted(destination: Destination) -> str | None:
    """A warning about a predecessor that has not been adopted, or None."""
    content = destination.read(NAME)
    try:
        found = parse(content or b"", destination.location(NAME))
    except ManifestError:  # or another file with that name
        return None
    if destination.read(path(found.id)) is not None:
        return None
    return (
        f"{destination.location(NAME)} is the manifest of files published before this project used releases. Prune "
        "does not know these files and may delete them. To keep them, so that you can roll back to the old code, run: "
        "manage.py releases adopt. If you no longer need the old code, delete the manifest instead."
    )
