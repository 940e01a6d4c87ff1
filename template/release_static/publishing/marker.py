"""Markers: small files in `.releases/` that say who did something, and when. Most mean something by existing."""

import getpass
import json
import socket
from datetime import UTC, datetime

# Beside the manifest of a release:
PINNED = "pinned.json"  # it never expires
REPUBLISHED = "republished.json"  # it was published again, with the same content
EXPIRED = "expired.json"  # its manifest, until the files that only it names are deleted


def content() -> bytes:
    """What a marker that is written now says."""
    return json.dumps({"at": timestamp(datetime.now(UTC)), "by": who()}).encode()


def describe(content: bytes | None) -> str:
    """Such as "ada@build-7, since 2026-11-23T01:02:03.004Z", "" if this is not the content of a marker."""
    try:
        stored = json.loads(content or b"")
        return f"{stored['by']}, since {stored['at']}"
    except (ValueError, TypeError, KeyError):
        return ""


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, precise enough to order releases of the same second."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def who() -> str:
    """The user and the host of this process, for people."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # in a container, a user id need not have a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
