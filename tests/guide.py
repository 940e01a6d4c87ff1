"""The guides of a generated project, as a reader follows them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Block(NamedTuple):
    """A fenced block of a guide, and the name of the file that stands before it, if it is one."""

    language: str
    text: str
    file: str


def blocks(guide: Path) -> Iterator[Block]:
    found = re.finditer(r"(?:`([\w./-]+)`[^`]*)?\n```(\w*)\n(.*?)\n```", guide.read_text(), re.DOTALL)
    for match in found:
        yield Block(match[2], match[3] + "\n", match[1] or "")
