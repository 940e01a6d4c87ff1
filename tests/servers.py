"""Run servers and send requests to them."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from tests.project import environment

DEADLINE = 60  # seconds; only a failure takes that long


def wait_for(condition: Callable[[], object]) -> bool:
    """Whether the condition came true within DEADLINE."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def repeated(request: Callable[[], Any]) -> Iterator[Counter[Any]]:
    """Send a request again and again in the background. Yields how often it had each result."""
    results: Counter[Any] = Counter()
    stop = Event()

    def send() -> None:
        while not stop.wait(0.02):
            results[request()] += 1

    with ThreadPoolExecutor(1) as background:
        sending = background.submit(send)
        try:
            yield results
        finally:
            stop.set()
        sending.result()


def free_port() -> int:
    """A free port, outside the range that the system assigns to servers that bind to port 0."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@dataclass
class Server:
    """A server process on a free port, and the file that its output goes to."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, command: Sequence[str | Path], folder: Path, log: Path, **variables: str) -> Self:
        """A server that runs this command in this folder, with these variables."""
        with open(log, "ab") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, log)

    def until_listening(self, port: int) -> Self:
        """Returns itself once it listens on this port. If it exits instead, the test fails."""
        wait_for(lambda: _listens(port) or self.process.poll() is not None)
        if not _listens(port):
            self.stop()
            pytest.fail(f"{self.process.args!r} does not listen on port {port}:\n{self.said}")
        return self

    @property
    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str) -> str:
        """The page, or nothing if there is no response or an error."""
        if not (port := re.search(r"http://(?:127\.0\.0\.1|0\.0\.0\.0):([1-9]\d*)", self.said)):
            return ""
        try:
            with urlopen(f"http://127.0.0.1:{port.group(1)}{path}", timeout=DEADLINE) as response:
                return response.read().decode()
        except (HTTPError, URLError, ConnectionError):
            return ""

    def probe(self) -> dict[str, str]:
        """The first successful response of /healthz, or nothing if the process exits before."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if health := self.get("/healthz"):
                return json.loads(health)
            if self.process.poll() is not None:
                return {}
            time.sleep(0.05)
        pytest.fail(f"neither ready nor ended after {DEADLINE} seconds:\n{self.said}")

    def stop(self) -> None:
        """Terminate it, and kill what it leaves behind, such as the child of npm."""
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
