"""The changes to a checkout between two publications, and the cost of each for every peer."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from benchmarks.measure import Figures, median, run
from benchmarks.peers import DJANGO, ON_DISK, Peer, among
from benchmarks.places import Place, on_disk
from benchmarks.proxy import Proxy
from benchmarks.works import Work, size_of

FIRST = "first publish"
UNCHANGED = "nothing changed"
FRESH = "fresh checkout"
CHANGED = "one CSS file changed"
# Each is a new release.
SCENARIOS = (FIRST, UNCHANGED, FRESH, CHANGED)


def play(
    peer: Peer, work: Work, place: Place, scenarios: tuple[str, ...], proxy: Proxy | None = None
) -> Iterator[tuple[str, Figures]]:
    """Figures by scenario, until the peer fails."""
    for number, scenario in enumerate(scenarios):
        if scenario in (FIRST, FRESH):
            shutil.rmtree(place.checkout, ignore_errors=True)
            work.check_out(place.checkout)
        if scenario == CHANGED:
            work.change(place.checkout, "changed")
        if peer.task == "rclone":
            _collect(work, place)
        figures = run(peer, place, f"release-{number}", proxy, first=scenario == FIRST)
        yield scenario, figures
        if "wall" not in figures:
            return


def compare(
    peers: tuple[Peer, ...],
    place: Callable[[], AbstractContextManager[Place]],
    work: Work,
    scenarios: tuple[str, ...],
    repeat: int,
    proxy: Proxy | None = None,
    patience: float = 20,
) -> list[dict[str, Any]]:
    """A record for each peer and scenario. All peers take turns; one that takes longer than `patience` has one turn."""
    runs: dict[tuple[str, str], list[Figures]] = {}
    slow = set()
    for _ in range(repeat):
        for peer in peers:
            if peer.name in slow:
                continue
            with place() as where:
                for scenario, figures in play(peer, work, where, scenarios, proxy):
                    runs.setdefault((peer.name, scenario), []).append(figures)
                    if figures.get("wall", patience) >= patience:
                        slow.add(peer.name)
    return [{"scenario": scenario, "peer": peer} | median(all_runs) for (peer, scenario), all_runs in runs.items()]


def describe(work: Work) -> dict[str, Any]:
    with on_disk() as place:
        work.check_out(place.checkout)
        files, size = size_of(place.checkout)
    return {"work": work.name, "files": files, "megabytes": round(size / 1e6, 1)}


def _collect(work: Work, place: Place) -> None:
    """Create the files that rclone copies. This is not measured."""
    [django] = among(ON_DISK, DJANGO)
    figures = run(django, Place(place.folder), "release")
    assert "wall" in figures, figures
    shutil.rmtree(place.folder / "collected", ignore_errors=True)
    shutil.copytree(place.root, place.folder / "collected", copy_function=shutil.copy2)
