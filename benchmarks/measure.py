"""Start runs and summarize them."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import THREADS, Peer
from benchmarks.places import Place
from benchmarks.proxy import Proxy
from tests import project
from tests.project import ROOT

LIMIT = 600  # seconds

Figures = dict[str, Any]


def environment(folder: Path = ROOT / "template", **variables: str) -> dict[str, str]:
    """For a process that imports release_static from this folder."""
    fixed = {
        "PYTHONPATH": f"{ROOT}:{folder}",
        # Ceph before 17 does not support the newer checksums.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
    keys = {name: value for name, value in os.environ.items() if name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return project.environment(**fixed | keys | variables)


def settings_of(peer: Peer, place: Place, release: str) -> dict[str, Any]:
    """Django's settings."""
    return {
        "SECRET_KEY": "s",
        "USE_TZ": True,
        "STATIC_URL": "https://static.example.com/static/" if place.bucket else "/static/",
        "STATIC_ROOT": str(place.root),
        "STATICFILES_DIRS": [str(place.checkout)],
        "STATICFILES_FINDERS": ["django.contrib.staticfiles.finders.FileSystemFinder"],
        # Of a machine that publishes each time.
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(place.folder / "cache"),
                "OPTIONS": {"MAX_ENTRIES": 100_000},
            }
        },
    } | peer.settings(place, release)


def run(peer: Peer, place: Place, release: str, proxy: Proxy | None = None, *, first: bool = False) -> Figures:
    """`wall` and `cpu`, in seconds, of the whole process; `inside` and `memory` as in run.py; `requests` by kind.

    Or `failed`; or `over`, the limit in seconds.
    """
    task = {
        "task": peer.task,
        "settings": settings_of(peer, place, release),
        "checkout": str(place.checkout),
        "root": str(place.root),
        "collected": str(place.folder / "collected"),
        "place": place.options,
        "threads": THREADS,
        "first": first,
    }
    os.sync()  # otherwise this run also waits for the writes of the last one
    if proxy is not None:
        proxy.requests.clear()
    command = [sys.executable, "-P", str(Path(__file__).with_name("run.py")), json.dumps(task)]
    busy, start = _cpu(), time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=place.folder,
            env=environment(place.folder),
            check=False,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return {"over": LIMIT}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1]}
    wall, cpu = time.perf_counter() - start, _cpu() - busy
    figures = {"wall": wall, "cpu": cpu} | json.loads(done.stdout.strip().splitlines()[-1])
    return figures | ({"requests": dict(sorted(proxy.requests.items()))} if proxy is not None else {})


def median(runs: list[Figures]) -> Figures:
    """The median run, with the `fastest` and the `slowest`. A run that failed or took too long takes precedence."""
    done = sorted((figures for figures in runs if "wall" in figures), key=lambda figures: figures["wall"])
    if len(done) < len(runs):
        return next(figures for figures in runs if "wall" not in figures)
    middle = done[(len(done) - 1) // 2]
    return middle | {"runs": len(runs), "fastest": done[0]["wall"], "slowest": done[-1]["wall"]}


def _cpu() -> float:
    """CPU seconds of all child processes that have exited."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime
