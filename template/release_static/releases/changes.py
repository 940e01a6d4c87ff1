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
    """What is different in a manifest's `paths`, compared to those of the release before."""
    return Changes(
        added=sorted(paths.keys() - before.keys()),
        changed=sorted(name for name in paths.keys() & before.keys() if paths[name] != before[name]),
        removed=sorted(before.keys() - paths.keys()),
    )


def new_bytes(before: Manifest, after: Manifest) -> int | None:
    """The size of the files that the second release has and the first has not, None if its manifest does not say."""
    names = set(after.paths.values()).difference(before.paths.values())
    try:
        sums = checksums.parse(after)
        return sum(sums[name].size for name in names)
    except (KeyError, ValueError):
        return None
