"""Environments that share a destination: production, staging, a preview for each pull request."""

from release_static.errors import ReleaseStaticError
from release_static.manifest import RELEASES
from release_static.publishing import locks, marker
from release_static.publishing.destination import Destination
from release_static.releases.inventory import UnknownEnvironment


class EnvironmentInUse(ReleaseStaticError):
    """An environment that cannot be retired."""


def retire(environment: str, current: str, destination: Destination, say: locks.Say) -> int:
    """Retire an environment, so that it no longer keeps any releases. Returns how many it kept.

    `current` is the environment of this process. Calls `say` with a message if it waits for a prune. Raises
    EnvironmentInUse if they are the same, UnknownEnvironment if nothing was published there.
    """
    if environment == current:
        raise EnvironmentInUse(
            f"{environment} is the environment of this process, so it is in use. To retire it, run this command in "
            "another environment: RELEASE_ENVIRONMENT=... python manage.py releases retire " + environment
        )
    with locks.shared(destination, say) as lock:
        markers: dict[str, list[str]] = {}
        for name, entry in lock.existing().items():
            published_in = marker.environment_of(name.rpartition("/")[2])
            if published_in and name.startswith(f"{RELEASES}/") and entry.size:
                markers.setdefault(published_in, []).append(name)
        if environment not in markers:
            raise UnknownEnvironment(environment, destination, sorted(markers))
        lock.check()
        for name in markers[environment]:
            destination.write(name, b"")
        destination.sync()
    return len(markers[environment])
