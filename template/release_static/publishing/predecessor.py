"""The release from before static files were published per release: a manifest of Django's own, at its own place."""

import hashlib
from typing import NamedTuple

from release_static.manifest import NAME, Manifest, ManifestError, path
from release_static.publishing.destination import Destination


class Predecessor(NamedTuple):
    """`content` is that of its manifest. Processes that run the old code read it under its own name."""

    id: str
    content: bytes
    manifest: Manifest


def parse(content: bytes, where: str) -> Predecessor:
    """Raises ManifestError, which names `where`, if this is no manifest."""
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Predecessor(f"before-{digest}", content, Manifest.parse(content, where))


def unadopted(destination: Destination) -> str | None:
    """What to do about a predecessor whose files no release keeps, None if there is no such predecessor."""
    content = destination.read(NAME)
    try:
        found = parse(content or b"", destination.location(NAME))
    except ManifestError:  # or another file of that name
        return None
    if destination.read(path(found.id)) is not None:
        return None
    return (
        f"{destination.location(NAME)} is the manifest of what was published before there were releases, and prune does "
        "not know which files it names. To keep them, so that you can go back to the old code: manage.py releases adopt. "
        "Once no process will run the old code again, delete that manifest instead."
    )
