"""Markers: small files beside a manifest that record who did something, and when.

An empty marker is ignored. Publishers may not be allowed to delete, so they empty a marker to remove it.
"""

import getpass
import json
import re
import socket
from datetime import UTC, datetime

from release_static.errors import printable

PINNED = "pinned.json"  # the release never expires
EXPIRED = "expired.json"  # its manifest, until the files that only it names are deleted


PRODUCTION = "production"
_ENVIRONMENT = re.compile(r"environment-(.+)\.json")


def environment(name: str) -> str:
    """The marker of a release that was published in this environment. Its time stamp is that of the last time."""
    return f"environment-{name}.json"


def environment_of(marker: str) -> str | None:
    """The environment of a marker, or None if the marker is of another kind."""
    match = _ENVIRONMENT.fullmatch(marker)
    return match[1] if match else None


def content() -> bytes:
    """The content of a new marker."""
    return json.dumps({"at": timestamp(datetime.now(UTC)), "by": who()}).encode()


def describe(content: bytes | None) -> str:
    """Such as "ada@build-7, since 2026-11-23T01:02:03.004Z", or "" if this is not the content of a marker."""
    try:
        stored = json.loads(content or b"")
        return printable(f"{stored['by']}, since {stored['at']}")
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, precise enough to order releases of the same second."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def who() -> str:
    """The user and the host of this process, for messages."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # in a container, a user id may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
