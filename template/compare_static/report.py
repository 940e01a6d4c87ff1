"""Format the observations as a table, for the terminal and for page.html."""

import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from compare_static.observations import Observation, Reading

_STATEMENT_WIDTH = 28  # characters


@dataclass(frozen=True)
class Cell:
    """`verdict` is True if this is what a rolling deploy needs, False if it breaks one, otherwise None."""

    text: str
    verdict: bool | None = None


@dataclass(frozen=True)
class Row:
    """A statement, and its result in each configuration, by name."""

    statement: str
    cells: dict[str, Cell]


def rows(observations: list[Observation]) -> list[Row]:
    return [
        Row(statement, {seen.config: cell(seen) for seen in observations}) for statement, cell in STATEMENTS.items()
    ]


def table(observations: list[Observation], width: int | None = None) -> str:
    """The rows as text, `width` characters wide (default: the width of the terminal)."""
    columns = width or max(shutil.get_terminal_size((120, 0)).columns, 80)
    cell_width = (columns - _STATEMENT_WIDTH) // len(observations) - 2
    widths = [_STATEMENT_WIDTH, *[cell_width] * len(observations)]
    lines = _line(["", *(seen.config for seen in observations)], widths)
    for row in rows(observations):
        marked = [("! " if cell.verdict is False else "") + cell.text for cell in row.cells.values()]
        lines += ["", *_line([row.statement, *marked], widths)]
    return "\n".join([*lines, "", "!: breaks a rolling deploy or a rollback"])


def _line(texts: list[str], widths: list[int]) -> list[str]:
    wrapped = [textwrap.wrap(text, width, break_on_hyphens=False) for text, width in zip(texts, widths, strict=True)]
    return [
        "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*wrapped, fillvalue="")
    ]


def _names(names: list[str]) -> str:
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if names[2:] else "")


def _example(names: list[str]) -> str:
    return f"{len(names)} files, such as {names[0]}" if names else "nothing"


def _gets(reading: Reading | None) -> Cell:
    if reading is None:
        return Cell("there is none")
    if reading.link is None:
        return Cell("no page: {% static %} fails", False)
    if reading.content is None:
        return Cell(f"{reading.status} for {reading.link}", False)
    return Cell(f"that of {reading.content}: {reading.link}", reading.is_own)


def _urls(seen: Observation, names: list[str]) -> Cell:
    return Cell(f"{len(names)} of {seen.urls}" + (f": {_names(names)}" if names else ""), not names)


STATEMENTS: dict[str, Callable[[Observation], Cell]] = {
    "storage": lambda seen: Cell(seen.storage),
    "release-2 overwrote": lambda seen: Cell(_names(seen.changes.overwritten) or "nothing"),
    "release-2 deleted, or rewrote unchanged": lambda seen: Cell(
        _example([*seen.changes.deleted, *seen.changes.rewritten]),
        not (seen.changes.deleted or seen.changes.rewritten),
    ),
    "example.txt of release-1 survives as": lambda seen: Cell(
        _names(seen.survivors) or "nothing", bool(seen.survivors)
    ),
    "manifests": lambda seen: Cell(_names(seen.manifests) or "none"),
    "a process of release-1 that was running gives": lambda seen: _gets(seen.moments[1].old),
    "a process of release-1 that starts now gives": lambda seen: _gets(seen.moments[2].old),
    "a process of release-2 gives": lambda seen: _gets(seen.moments[2].new),
    "after the rollback release-1 gives": lambda seen: _gets(seen.moments[3].old),
    "URLs of release-1 that return 404": lambda seen: _urls(seen, seen.missing),
    "URLs of release-1 with different content": lambda seen: _urls(seen, seen.different),
}
