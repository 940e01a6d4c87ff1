"""The difference between two releases."""

from typing import NamedTuple


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
