"""Read the code blocks in the guides of a generated project."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Block(NamedTuple):
    """A fenced block of a guide. `file` is the name in backticks before it, or ""."""

    language: str
    text: str
    file: str


def blocks(guide: Path) -> Iterator[Block]:
    found = re.finditer(r"(?:`([\w./-]+)`[^`]*)?\n```(\w*)\n(.*?)\n```", guide.read_text(), re.DOTALL)
    for match in found:
        yield Block(match[2], match[3] + "\n", match[1] or "")
