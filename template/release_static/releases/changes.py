"""The difference between two releases."""

from typing import NamedTuple

from release_static.manifest import Manifest
from release_static.publishing import checksums


class Changes(NamedTuple):
    """Names before hashing, sorted."""

    added: list[str]
    changed: list[str]
    removed: list[str]


def compare(paths: dict[str, str], before: dict[str, str]) -> Changes:
    """The differences between the `paths` of a manifest and those of the previous release."""
    return Changes(
        added=sorted(paths.keys() - before.keys()),
        changed=sorted(name for name in paths.keys() & before.keys() if paths[name] != before[name]),
        removed=sorted(before.keys() - paths.keys()),
    )


def new_bytes(before: Manifest, after: Manifest) -> int | None:
    """The size of the files that are only in the second release, or None if its manifest has no checksums."""
    names = set(after.paths.values()).difference(before.paths.values())
    try:
        sums = checksums.parse(after)
        return sum(sums[name].size for name in names)
    except (KeyError, ValueError):
        return None
