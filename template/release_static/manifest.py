"""The manifest of a release: what Django writes, plus which release it belongs to and the checksums of its files."""

import json
from dataclasses import dataclass
from typing import Any

from release_static.errors import ReleaseStaticError

# The directory of a destination that holds the manifests and everything else that is private to releases.
RELEASES = ".releases"
NAME = "staticfiles.json"
# The versions whose `paths` Django 5.2 and 6.1 read.
_VERSIONS = ("1.0", "1.1")


class ManifestError(ReleaseStaticError):
    """The manifest of a release is missing, damaged, or belongs to another release."""


class ManifestUnavailable(ReleaseStaticError):
    """The manifest of a release cannot be read at the moment, so it is unknown whether it exists."""


def path(release_id: str) -> str:
    """The name of a release's manifest at its destination."""
    return beside(release_id, NAME)


def beside(release_id: str, name: str) -> str:
    """The name, at the destination, of a file beside the manifest of a release."""
    return f"{RELEASES}/{release_id}/{name}"


@dataclass(frozen=True)
class Manifest:
    """`paths` maps a name to its hashed name; `release` is {} in a manifest that Django wrote itself."""

    paths: dict[str, str]
    hash: str
    release: dict[str, Any]
    version: str = _VERSIONS[-1]
    # As publishing/checksums.py writes them; "" in a manifest that Django wrote itself. One string, because a web
    # process parses this file too and has no use for them.
    checksums: str = ""

    @classmethod
    def parse(cls, content: bytes, where: str) -> "Manifest":
        """Raises ManifestError, which mentions `where`, if this is not a manifest or if it has no files."""
        if not content.strip():
            raise ManifestError(f"The manifest {where} is empty.")
        try:
            stored = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ManifestError(f"The manifest {where} is not JSON ({error}).") from error
        if not isinstance(stored, dict) or stored.get("version") not in _VERSIONS:
            raise ManifestError(f"The manifest {where} is not a manifest of version {' or '.join(_VERSIONS)}.")
        paths, release = stored.get("paths"), stored.get("release", {})
        if not isinstance(paths, dict) or not all(isinstance(name, str) for name in paths.values()):
            raise ManifestError(f"The manifest {where} has no map of names under 'paths'.")
        if not isinstance(release, dict):
            raise ManifestError(f"The manifest {where} has something other than an object under 'release'.")
        texts = {key: stored.get(key, "") for key in ("hash", "checksums")}
        texts |= {f"release.{key}": release.get(key) or "" for key in ("id", "created_at", "created_by")}
        for key, value in texts.items():
            if not isinstance(value, str):
                raise ManifestError(f"The manifest {where} has something other than text under '{key}'.")
        if not paths:
            raise ManifestError(f"The manifest {where} names no files.")
        return cls(paths, texts["hash"], release, stored["version"], texts["checksums"])

    def dump(self) -> bytes:
        stored = {"release": self.release, "version": self.version, "hash": self.hash, "paths": self.paths}
        if self.checksums:
            stored["checksums"] = self.checksums
        return json.dumps(stored).encode()
