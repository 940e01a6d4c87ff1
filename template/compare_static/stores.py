"""The published files. A store is a folder, or a folder in a bucket (corner.py)."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class File(NamedTuple):
    """`content` is a digest; `written` changes whenever the file is written, even with the same content."""

    content: str
    written: Any


class Store(Protocol):
    def files(self) -> dict[str, File]:
        """Every file, by its name with forward slashes."""

    def read(self, name: str) -> bytes:
        """The content of an existing file."""


class Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self) -> dict[str, File]:
        found = {}
        for path in self._root.rglob("*"):
            if path.is_file():
                status = path.stat()
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[path.relative_to(self._root).as_posix()] = File(digest, (status.st_ino, status.st_mtime_ns))
        return found

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()
