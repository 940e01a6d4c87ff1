"""The manifest of a release: what Django writes, plus who published it and when."""

import getpass
import json
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from release_static.errors import ReleaseStaticError

RELEASES = ".releases"
NAME = "staticfiles.json"
# What may stand beside the manifest of a release:
RECORD = "files.json"  # size and content of its files
PINNED = "pinned.json"  # it never expires
REPUBLISHED = "republished.json"  # it was published again, with the same content
EXPIRED = "expired.json"  # its manifest, until the files that only it names are deleted
# The versions whose `paths` Django 5.2 and 6.1 read.
_VERSIONS = ("1.0", "1.1")


class ManifestError(ReleaseStaticError):
    """The manifest of a release is missing, damaged or not the one that it should be."""


def path(release_id: str) -> str:
    """Where the manifest of a release stands, relative to the root of its destination."""
    return note(release_id, NAME)


def note(release_id: str, name: str) -> str:
    """Where `name` stands beside the manifest of a release, relative to the root of its destination."""
    return f"{RELEASES}/{release_id}/{name}"


@dataclass(frozen=True)
class Manifest:
    """`paths` maps a name to its hashed name; `release` is {} in a manifest that Django wrote itself."""

    paths: dict[str, str]
    hash: str
    release: dict[str, Any]
    version: str = _VERSIONS[-1]

    @classmethod
    def parse(cls, content: bytes, where: str) -> "Manifest":
        """Raises ManifestError, which names `where`, if this is no manifest or one without files."""
        if not content.strip():
            raise ManifestError(f"The manifest {where} is empty.")
        try:
            stored = json.loads(content)
        except ValueError as error:
            raise ManifestError(f"The manifest {where} is not JSON ({error}).") from error
        if not isinstance(stored, dict) or stored.get("version") not in _VERSIONS:
            raise ManifestError(f"The manifest {where} is not a manifest of version {' or '.join(_VERSIONS)}.")
        paths, release = stored.get("paths"), stored.get("release", {})
        if not isinstance(paths, dict) or not all(isinstance(name, str) for name in paths.values()):
            raise ManifestError(f"The manifest {where} has no map of names under 'paths'.")
        if not isinstance(release, dict):
            raise ManifestError(f"The manifest {where} has something else than an object under 'release'.")
        if not paths:
            raise ManifestError(f"The manifest {where} names no files.")
        return cls(paths=paths, hash=str(stored.get("hash", "")), release=release, version=stored["version"])

    def of_release(self, release_id: str) -> "Manifest":
        """The same manifest, published now, by whoever runs this process, under this id."""
        release = {"id": release_id, "created_at": now(), "created_by": who()}
        return Manifest(self.paths, self.hash, release, self.version)

    def dump(self) -> bytes:
        stored = {"release": self.release, "version": self.version, "hash": self.hash, "paths": self.paths}
        return json.dumps(stored).encode()


def now() -> str:
    return timestamp(datetime.now(UTC))


def timestamp(at: datetime) -> str:
    """RFC 3339, and fine enough to tell which of two releases of the same second is the newer one."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp() -> bytes:
    """The content of a note that says who did something, and when."""
    return json.dumps({"at": now(), "by": who()}).encode()


def who() -> str:
    """The user and the machine that run this process, for people."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user id need not have a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
