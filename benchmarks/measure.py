"""Start a run, and keep the best of several: what disturbs a run only ever makes it slower."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers import THREADS, Peer
from benchmarks.places import Place
from benchmarks.proxy import Proxy
from tests import project
from tests.project import ROOT

LIMIT = 600  # seconds, after which a run is stopped

Figures = dict[str, Any]


def environment(folder: Path = ROOT / "template") -> dict[str, str]:
    """For a process that imports release_static from this folder."""
    fixed = {
        "PYTHONPATH": f"{ROOT}:{folder}",
        # Ceph before 17 does not know the newer checksums.
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
    keys = {name: value for name, value in os.environ.items() if name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return project.environment(**fixed, **keys)


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
    """`wall` and `cpu` in seconds, `memory` in MB, `requests` by kind; or `failed`, or `over`, the limit in seconds."""
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
    os.sync()  # or this run pays for what the last one wrote
    if proxy is not None:
        proxy.requests.clear()
    command = [sys.executable, "-P", str(Path(__file__).with_name("run.py")), json.dumps(task)]
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
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    return figures | ({"requests": dict(sorted(proxy.requests.items()))} if proxy is not None else {})


def best(runs: list[Figures]) -> Figures:
    """The fastest run. One that failed, or took too long, is worth more than none."""
    done = [figures for figures in runs if "wall" in figures]
    return min(done, key=lambda figures: figures["wall"]) | {"runs": len(runs)} if done else runs[0]
