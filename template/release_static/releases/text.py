"""Format names, times, sizes and tables as text."""

from collections.abc import Iterable, Sized
from datetime import datetime, timedelta

from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince

from release_static.errors import printable


def table(rows: Iterable[tuple[str, ...]], to_the_right: tuple[int, ...]) -> str:
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if place in to_the_right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def ago(then: datetime | None, now: datetime) -> str:
    """Such as "3 days ago", or "" for None."""
    if then is None:
        return ""
    if then > now + timedelta(minutes=1):
        return "in the future"
    if now - then < timedelta(minutes=1):
        return "just now"
    return f"{span(then, now)} ago"


def span(then: datetime, now: datetime) -> str:
    return timesince(then, now, depth=1).replace("\xa0", " ")


def count(things: Sized, noun: str) -> str:
    """Such as "2 files"."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def size(count: int) -> str:
    return filesizeformat(count).replace("\xa0", " ")
