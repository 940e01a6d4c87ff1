"""Output of commands: text that is safe for a terminal, and progress bars."""

import gc
import sys
from collections.abc import Callable

from django.core.management.base import BaseCommand, OutputWrapper

from release_static.errors import printable


class OutputCommand(BaseCommand):
    """A command whose output may contain names from a destination, which are untrusted."""

    verbosity = 1

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(argv)
        # The process is about to end. Without this, Python would first search everything in memory for garbage.
        gc.freeze()

    def print(self, text: str) -> None:
        self.stdout.write(printable_lines(text, self.stdout))

    def warn(self, text: str) -> None:
        self.stderr.write(self.style.WARNING(printable_lines(text, self.stderr)))

    def progress(self, description: str) -> Callable[[int, int], None]:
        return bar(description, quiet=self.verbosity != 1)


def printable_lines(text: str, stream: OutputWrapper | None = None) -> str:
    """`printable` for several lines, in the encoding of this stream."""
    encoding = getattr(stream, "encoding", None)
    return "\n".join(printable(line, encoding) for line in text.split("\n"))


def bar(description: str, *, quiet: bool = False) -> Callable[[int, int], None]:
    """A function that takes the number of files done and the total. Shows a bar on a terminal if tqdm is installed."""
    if quiet or not sys.stderr.isatty():
        return lambda done, total: None
    try:
        from tqdm import tqdm
    except ImportError:
        return lambda done, total: None
    shown: list[tqdm] = []

    def show(done: int, total: int) -> None:
        if not shown:
            shown.append(tqdm(total=total, desc=description, unit="file", leave=False))
        shown[0].update(done - shown[0].n)
        if done == total:
            shown[0].close()

    return show
