"""Publishing on disk."""

from collections.abc import Iterator
from typing import Any

from benchmarks.peers import DJANGO, ENHANCED, ON_DISK, OURS, OURS_WITH_DJANGO, WHITENOISE, among
from benchmarks.places import on_disk
from benchmarks.scenarios import FIRST, FRESH, SCENARIOS, UNCHANGED, compare, describe
from benchmarks.works import WORKS, synthetic

_REPEAT = {"few": 1, "admin": 9, "apps": 5, "npm": 3}
# Brotli at its best takes minutes.
_ONLY_SMALL = {"apps": (WHITENOISE,), "npm": (WHITENOISE, OURS_WITH_DJANGO)}


def measure(works: list[str]) -> Iterator[dict[str, Any]]:
    for name in works:
        peers = tuple(peer for peer in ON_DISK if name in ("few", "admin") or peer.name not in _ONLY_SMALL[name])
        scenarios = (FIRST, UNCHANGED, FRESH) if name == "npm" else SCENARIOS
        about = {"section": "disk"} | describe(WORKS[name])
        # Compressing takes seconds and does not vary much.
        patience = 60 if name == "npm" else 2
        for record in compare(peers, on_disk, WORKS[name], scenarios, _REPEAT[name], patience=patience):
            yield about | record


def growth(sizes: dict[int, int]) -> Iterator[dict[str, Any]]:
    """Publish growing sets of files, each the given number of times."""
    peers = among(ON_DISK, OURS, DJANGO, ENHANCED)
    for files, repeat in sizes.items():
        for record in compare(peers, on_disk, synthetic(files), (FIRST, UNCHANGED), repeat, patience=600):
            yield {"section": "growth", "work": "disk", "files": files} | record
