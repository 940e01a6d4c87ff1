"""A minimal Debian machine for the test: a root file system that boots its own systemd."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.conftest import program
from tests.project import environment
from tests.servers import DEADLINE, wait_for

AS_ROOT: list[str] = [] if os.getuid() == 0 else ["sudo", "--non-interactive"]

# What a network may need, and no project.
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
# What systemd says of itself when it has started all that it starts.
UP = {"running", "degraded"}

AUTHORITIES = "/etc/authorities-of-the-host.pem"


def install(root: Path) -> None:
    """Debian 13 in this folder. Creating it takes a minute."""
    command = [*AS_ROOT, program("mmdebstrap"), "--quiet", "--variant=minbase", "--include=systemd-sysv,dbus"]
    subprocess.run([*command, "trixie", root], check=True, stdin=subprocess.DEVNULL, env=environment())
    if trusted := os.environ.get("SSL_CERT_FILE"):
        subprocess.run([*AS_ROOT, "cp", trusted, f"{root}{AUTHORITIES}"], check=True)


@dataclass
class Machine:
    """It shares only the network with the host. `leader` is the pid of its first process on the host."""

    leader: int

    @classmethod
    @contextmanager
    def boot(cls, root: Path, log: Path) -> Iterator["Machine"]:
        options = ["--register=no", "--keep-unit", "--quiet", "--boot", f"--directory={root}"]
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [*AS_ROOT, program("systemd-nspawn"), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(),
            )
        try:
            assert wait_for(lambda: process.poll() is not None or _leader(process.pid)), log.read_text()
            machine = cls(_leader(process.pid))
            assert wait_for(lambda: machine.run("systemctl is-system-running", check=False).stdout.strip() in UP)
            yield machine
        finally:
            subprocess.run([*AS_ROOT, "kill", f"-{signal.SIGKILL}", str(_leader(process.pid))], check=False)
            process.wait(DEADLINE)

    def run(self, commands: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The output of these commands in one shell, as root. It stops at the first error."""
        variables = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        variables |= {name: os.environ[name] for name in NETWORK if name in os.environ}
        if os.environ.get("SSL_CERT_FILE"):
            variables |= {"SSL_CERT_FILE": AUTHORITIES, "PIP_CERT": AUTHORITIES}
        done = subprocess.run(
            [
                *(*AS_ROOT, "nsenter", f"--target={self.leader}"),
                *("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"),
                *("env", "--ignore-environment", *(f"{name}={value}" for name, value in variables.items())),
                *("bash", "-euo", "pipefail", "-c", f"cd\n{commands}"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done


def _leader(nspawn: int) -> int:
    """The first process of the container that this process runs, or 0 if it has not started."""
    process = nspawn
    while True:
        try:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            if not children:
                return 0
            process = int(children[0])
            if Path(f"/proc/{process}/comm").read_text().strip() in {"systemd", "init"}:
                return process
        except FileNotFoundError:
            return 0
