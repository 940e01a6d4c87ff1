"""Publishing on disk."""

from collections.abc import Iterator
from typing import Any

from benchmarks.measure import best, run
from benchmarks.peers import DJANGO, DJANGO_PER_RELEASE, ON_DISK, OURS, among
from benchmarks.places import on_disk
from benchmarks.scenarios import CHANGED, SCENARIOS, compare, describe
from benchmarks.works import WORKS, synthetic

# Brotli at its best takes minutes, whoever asks for it.
_NOT_COMPRESSED = {"apps", "npm"}
_REPEAT = {"few": 1, "admin": 15, "apps": 7, "npm": 1}


def measure(works: list[str]) -> Iterator[dict[str, Any]]:
    for name in works:
        peers = tuple(
            peer for peer in ON_DISK if not peer.missing and not (name in _NOT_COMPRESSED and "WhiteNoise" in peer.name)
        )
        about = {"section": "disk"} | describe(WORKS[name])
        # Compressing takes seconds, which do not vary by much.
        patience = 20 if name == "npm" else 2
        for record in compare(peers, on_disk, WORKS[name], SCENARIOS, _REPEAT[name], patience=patience):
            yield about | record


def growth(sizes: list[int]) -> Iterator[dict[str, Any]]:
    """Publishing sets of more and more files."""
    peers = among(ON_DISK, OURS, DJANGO)
    for files in sizes:
        for record in compare(peers, on_disk, synthetic(files), SCENARIOS, 1):
            yield {"section": "growth", "work": "disk", "files": files} | record


def past(releases: int) -> Iterator[dict[str, Any]]:
    """A release with one changed file, when so many releases are there, each with a change of its own."""
    work = WORKS["admin"]
    for peer in among(ON_DISK, OURS, DJANGO_PER_RELEASE):
        runs = []
        with on_disk() as place:
            work.check_out(place.checkout)
            for number in range(1, releases + 1):
                work.change(place.checkout, f"release {number}")
                runs.append(run(peer, place, f"release-{number}"))
        for before, some in ((1, runs[1:4]), (releases - 3, runs[-3:])):
            about = {"section": "past releases", "work": "disk", "releases": before}
            yield about | {"scenario": CHANGED, "peer": peer.name} | best(some)
