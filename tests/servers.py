"""Real servers, and what can be asked of them."""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

DEADLINE = 60  # seconds; only a failure takes that long


@dataclass
class Server:
    """A server process on a free port, and the file that its output goes to."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str) -> str:
        """The page, or nothing where nobody answers or the answer is an error."""
        if not (port := re.search(r"http://(?:127\.0\.0\.1|0\.0\.0\.0):([1-9]\d*)", self.said)):
            return ""
        try:
            with urlopen(f"http://127.0.0.1:{port.group(1)}{path}", timeout=DEADLINE) as response:
                return response.read().decode()
        except (HTTPError, URLError, ConnectionError):
            return ""

    def probe(self) -> dict[str, str]:
        """What /healthz says as soon as it says that all is well, or nothing if the process ends without that."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if health := self.get("/healthz"):
                return json.loads(health)
            if self.process.poll() is not None:
                return {}
            time.sleep(0.05)
        pytest.fail(f"neither ready nor ended after {DEADLINE} seconds:\n{self.said}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
