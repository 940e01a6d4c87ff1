"""The rolling deploy in one configuration, as shapes for page.html to draw.

Lengths are in units of the picture's view box. Time goes to the right, in four columns; the rows are the processes of the
old and of the new code, and what the store holds.
"""

from dataclasses import dataclass

from compare_static.observations import Moment, Observation, Reading

WIDTH, HEIGHT = 400, 208
TIMES = ("live", "publish", "overlap", "roll back")

_COLUMNS = (122, 202, 282, 362)
_OLD, _NEW, _FILES, _MANIFESTS = 62, 104, 150, 188


@dataclass(frozen=True)
class Mark:
    """Text in a box, by the center of the box, with a class of page.html's style sheet."""

    x: int
    y: int
    text: str
    style: str
    width: int
    height: int = 26

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def top(self) -> float:
        return self.y - self.height / 2


@dataclass(frozen=True)
class Picture:
    """`labels` and `times` are (position, text) of the rows and columns; `lives` are (x, x, y), one per process."""

    config: str
    storage: str
    summary: str
    labels: list[tuple[int, str]]
    times: list[tuple[int, str, str]]
    lives: list[tuple[int, int, int]]
    marks: list[Mark]


def draw(seen: Observation) -> Picture:
    marks = [mark for x, moment in zip(_COLUMNS, seen.moments, strict=True) for mark in _moment(x, moment)]
    return Picture(
        config=seen.config,
        storage=seen.storage,
        summary=_summary(seen),
        labels=[(_OLD, "old code"), (_NEW, "new code"), (_FILES, "files"), (_MANIFESTS, "manifests")],
        times=[(x, f"t{n}", text) for n, (x, text) in enumerate(zip(_COLUMNS, TIMES, strict=True))],
        # At t2 and t3 a process of the old code starts.
        lives=[(_COLUMNS[0], _COLUMNS[1], _OLD), (_COLUMNS[2], _COLUMNS[3], _NEW)],
        marks=marks,
    )


def _moment(x: int, moment: Moment) -> list[Mark]:
    marks = [_process(x, y, reading) for y, reading in ((_OLD, moment.old), (_NEW, moment.new)) if reading]
    for y, releases in ((_FILES, moment.files), (_MANIFESTS, moment.manifests)):
        for n, release in enumerate(releases):
            place = x + 28 * n - 14 * (len(releases) - 1)
            marks.append(Mark(place, y, _number(release), "stored", 24, 24))
        if not releases:
            marks.append(Mark(x, y, "none", "absent", 40, 24))
    return marks


def _process(x: int, y: int, reading: Reading) -> Mark:
    got = _number(reading.content) if reading.content else str(reading.status)
    return Mark(x, y, f"✓ {got}" if reading.is_own else f"✗ {got}", "own" if reading.is_own else "other", 58)


def _number(release: str) -> str:
    return release.rpartition("-")[2]


def _summary(seen: Observation) -> str:
    readings = [reading for moment in seen.moments for reading in (moment.old, moment.new) if reading]
    wrong = sum(not reading.is_own for reading in readings)
    if not wrong:
        return f"All {len(readings)} pages lead to the file of their own release."
    return f"{wrong} of {len(readings)} pages do not lead to the file of their own release."
