"""A real directory as a destination for the processes in processes.py. Each call of a method is one step.

A world remembers its files. To carry out a call, they are put into the directory, and read again afterwards.
"""

import os
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any

from release_static.manifest import RELEASES
from release_static.publishing.destination import Entry
from release_static.publishing.directory import Directory
from release_static.publishing.locks import PREFIX
from tests.mechanism.publishing.bucket import Clock, Request

# By name: content, and when it was modified, in nanoseconds.
Files = dict[str, tuple[bytes, int]]


class Folder:
    """A directory, and the files that are in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: Files = {}

    def put(self, files: Files) -> None:
        for name in self._files.keys() - files.keys():
            (self.root / name).unlink()
            with suppress(OSError):  # not empty
                (self.root / name).parent.rmdir()
        for name, (content, modified) in files.items() - self._files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(content)
            os.utime(self.root / name, ns=(modified, modified))
        self._files = files

    def read(self) -> Files:
        self._files = {}
        for folder, folders, names in os.walk(self.root):
            assert folders or names, f"{folder} is empty, which a world does not remember."
            for file in (os.path.join(folder, name) for name in names):
                with open(file, "rb") as stream:
                    modified = os.fstat(stream.fileno()).st_mtime_ns
                    self._files[os.path.relpath(file, self.root)] = stream.read(), modified
        return self._files


class Disk:
    """The files of a world."""

    def __init__(self, objects: Files, clock: Clock, folder: Folder) -> None:
        self.objects = objects
        self.clock = clock
        self._folder = folder

    def copy(self) -> "Disk":
        return Disk(self.objects, self.clock.copy(), self._folder)

    def used_by(self, request: Request) -> "Calls":
        return Calls(request, str(self._folder.root))

    @property
    def locks(self) -> Hashable:
        return tuple(sorted(name for name in self.objects if name.startswith(PREFIX)))

    def carry_out(self, method: str, arguments: tuple, options: tuple, made: frozenset[str]) -> Any:
        """The result of this call, and the directories that the process knows to exist."""
        self._folder.put(self.objects)
        directory = Directory(str(self._folder.root))
        directory._writer._made |= made
        try:
            result = getattr(directory, method)(*arguments, **dict(options))
            if method in ("entries", "existing"):  # in no particular order
                result = sorted(result.values() if method == "existing" else result)
            result = plain(result)
        except FileExistsError:
            result = FileExistsError
        self.objects = {name: self._stamped(name, file) for name, file in self._folder.read().items()}
        return result, frozenset(directory._writer._made)

    def _stamped(self, name: str, file: tuple[bytes, int]) -> tuple[bytes, int]:
        """A published file has the time stamp of its source, and a new private one gets that of this world's clock."""
        if file == self.objects.get(name) or not name.startswith(f"{RELEASES}/"):
            return file
        return file[0], int(self.clock.stamp() * 1e9)


class Calls:
    """A directory as a process sees it."""

    def __init__(self, request: Request, root: str) -> None:
        self.location = Directory(root).location
        self._request = request
        self._made: frozenset[str] = frozenset()

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            plain_arguments = tuple(map(plain, arguments))
            result, self._made = self._request(method, plain_arguments, tuple(options.items()), self._made)
            if result is FileExistsError:
                raise result
            return {entry.name: entry for entry in result} if method == "existing" else result

        return call


def plain(value: Any) -> Any:
    """Hashable, and without what depends on when the test is running."""
    if isinstance(value, Entry):
        return value._replace(modified=(value.mtime_ns or 0) / 1e9)
    if value is None or isinstance(value, str | bytes | bool | tuple):
        return value
    return tuple(map(plain, value))
