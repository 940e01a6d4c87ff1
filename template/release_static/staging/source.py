"""Where the content of a staged file is, if it is not in the stage's directory."""

import os
import shutil
import time
from typing import NamedTuple, Self

from django.core.files.base import ContentFile, File


class Source(NamedTuple):
    """A file at `path` outside the stage, as it was when Django read it; or a rewritten file with this `content`.

    `size` is in bytes, `mtime_ns` in nanoseconds.
    """

    path: str
    size: int
    mtime_ns: int
    content: bytes | None = None

    @classmethod
    def at(cls, path: str, descriptor: int | None = None) -> Self:
        """The file at this path, which may be open."""
        status = os.stat(path if descriptor is None else descriptor)
        return cls(path, status.st_size, status.st_mtime_ns)

    @classmethod
    def in_memory(cls, content: bytes) -> Self:
        return cls("", len(content), time.time_ns(), content)

    def open(self, mode: str) -> File:
        if self.content is None:
            return File(open(self.path, mode))
        return ContentFile(self.content if "b" in mode else self.content.decode())

    def copy_to(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.content is None:
            shutil.copy2(self.path, path)
        else:
            with open(path, "wb") as stream:
                stream.write(self.content)
