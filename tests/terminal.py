"""Run a command in a terminal, and read the screen."""

import contextlib
import os
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte

from tests.project import environment


class Terminal(pyte.Screen):
    """A screen and a keyboard."""

    def __init__(self, controller: int, columns: int, lines: int) -> None:
        super().__init__(columns, lines)
        self._controller = controller
        self._stream = pyte.ByteStream(self)

    def type(self, keys: str) -> None:
        os.write(self._controller, keys.encode())

    def write_process_input(self, data: str) -> None:
        """Respond to terminal queries, such as the position of the cursor."""
        self.type(data)

    def shown(self) -> list[str]:
        return [line.rstrip() for line in self.display]

    def wait_for(self, *texts: str, seconds: float = 60) -> None:
        """Read the output until each of these texts is complete in one line."""
        end = time.monotonic() + seconds
        while missing := [text for text in texts if not any(text in line for line in self.shown())]:
            assert time.monotonic() < end, "\n".join(["Not there:", *missing, "The screen:", *self.shown()])
            if select.select([self._controller], [], [], 0.1)[0]:
                self._stream.feed(os.read(self._controller, 65536))


@contextlib.contextmanager
def running(*command: str | Path, cwd: Path, columns: int = 80, lines: int = 40) -> Iterator[Terminal]:
    controller, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (lines, columns))
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(TERM="xterm"),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        yield Terminal(controller, columns, lines)
    finally:
        process.kill()
        process.wait()
        os.close(controller)
