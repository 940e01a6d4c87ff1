"""A pinned release never expires."""

from release_static.manifest import beside, path
from release_static.publishing import locks, marker
from release_static.publishing.destination import Destination
from release_static.releases.inventory import UnknownRelease


def pin(release_id: str, destination: Destination, say: locks.Say) -> None:
    """Raises UnknownRelease if it is not published. Calls `say` with a message if it waits for a prune."""
    with locks.shared(destination, say) as lock:
        _check_published(release_id, lock)
        destination.write(beside(release_id, marker.PINNED), marker.content())
        destination.sync()


def unpin(release_id: str, destination: Destination, say: locks.Say) -> None:
    """Like `pin`. Does nothing if the release is not pinned."""
    with locks.shared(destination, say) as lock:
        _check_published(release_id, lock)
        destination.discard(beside(release_id, marker.PINNED))
        destination.sync()


def _check_published(release_id: str, lock: locks.SharedLock) -> None:
    """After this, the release is not pruned until the lock is released."""
    if path(release_id) not in lock.existing():
        raise UnknownRelease(release_id, lock.destination, lock.destination.releases())
    lock.check()
