"""The record of a release: what each of its hashed files is, so that `releases verify` can tell a damaged one.

It stands beside the manifest, not in it, so that web processes need not parse it. A hashed name alone proves little: the
files that a compressor writes have no hash of their own, and other storages hash files that refer to each other as one.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from release_static.publish import StagedFile

_VERSION = 1


class Content(NamedTuple):
    """`size` in bytes, `md5` as hex digits."""

    size: int
    md5: str


def of(files: Iterable["StagedFile"]) -> dict[str, Content]:
    """Raises PublishError if one of the files was written to since it was staged."""
    return {file.name: Content(file.size, file.digest()) for file in files}


def dump(contents: dict[str, Content]) -> bytes:
    return json.dumps({"version": _VERSION, "files": dict(sorted(contents.items()))}).encode()


def parse(content: bytes) -> dict[str, Content]:
    """Raises ValueError if this is no record."""
    stored = json.loads(content)
    try:
        if stored["version"] != _VERSION:
            raise ValueError(f"of version {stored['version']} instead of {_VERSION}")
        return {name: Content(int(size), str(digest)) for name, (size, digest) in stored["files"].items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("it is not a record") from error


def md5(content: bytes = b"") -> "hashlib._Hash":
    """Against damage, not against malice; S3 has it for most of its objects."""
    return hashlib.md5(content, usedforsecurity=False)
