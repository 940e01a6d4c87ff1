"""How long `manage.py releases` takes, and how much memory, with many releases on disk or in a bucket.

Each command runs in its own process, to measure its peak memory.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.measure import environment
from benchmarks.peers import THREADS
from benchmarks.places import Place, in_bucket, on_disk
from benchmarks.works import size_of

COMMANDS = (["--json"], ["verify"], ["verify", "--all"], ["prune", "--dry-run"], ["prune"])

SCRIPT = """
import sys, time
import django
from django.conf import settings
root, bucket, endpoint, release_id, *arguments = sys.argv[1:]
backend, options = "release_static.storages.ReleaseSpecificManifestLocalStorage", {}
if bucket:
    backend = "release_static.s3.storage.ReleaseSpecificManifestS3Storage"
    options = {"bucket_name": bucket, "endpoint_url": endpoint or None, "region_name": "us-east-1"}
settings.configure(
    STATIC_URL="/static/", STATIC_ROOT=root, USE_TZ=True,
    INSTALLED_APPS=["release_static", "django.contrib.staticfiles"],
    STORAGES={"staticfiles": {"BACKEND": backend, "OPTIONS": options | {"release_id": release_id}}},
)
django.setup()
from django.core.management import call_command
start = time.perf_counter()
call_command("releases", *arguments, stdout=open("/dev/null", "w"))
seconds = time.perf_counter() - start
status = open("/proc/self/status").read()
print(f"{seconds:.3f} {int(status.partition('VmHWM:')[2].split()[0]) / 1024:.0f}")
"""


def build(root: Path, releases: int, files: int, changed: float) -> str:
    """Publish releases a day apart, each with this fraction of its files changed. Returns the id of the newest."""
    now = datetime.now(UTC)
    versions = [0] * files
    for number in range(releases):
        if number:
            for place in range(round(files * changed)):
                versions[(number * round(files * changed) + place) % files] = number
        paths = {}
        checksums = []
        for place, version in enumerate(versions):
            content = f"file {place} of version {version}\n".encode() * 20
            digest = md5(content).hexdigest()
            name = f"app{place % 50}/file{place}"
            hashed = paths[f"{name}.css"] = f"{name}.{digest[:12]}.css"
            checksums.append(f"{digest}:{len(content)}")
            if version == number or not number:
                for path in (root / f"{name}.css", root / hashed):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
        folder = root / ".releases" / f"release-{number}"
        folder.mkdir(parents=True)
        created_at = (now - timedelta(days=releases - number)).isoformat()
        release = {"id": folder.name, "created_at": created_at, "created_by": "benchmark"}
        manifest = {"release": release, "version": "1.1", "hash": "abc", "paths": paths}
        manifest["checksums"] = " ".join(checksums)
        (folder / "staticfiles.json").write_text(json.dumps(manifest))
    return folder.name


def upload(root: Path, bucket: str, endpoint: str) -> None:
    """Upload every file below `root` to `static/` in the bucket."""
    config = Config(max_pool_connections=THREADS)
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config)

    def put(path: Path) -> None:
        client.put_object(Bucket=bucket, Key=f"static/{path.relative_to(root)}", Body=path.read_bytes())

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(put, [path for path in root.rglob("*") if path.is_file()]):
            pass


def measure(releases: int, files: int, endpoint: str = "", changed: float = 0.02) -> Iterator[dict[str, Any]]:
    """On disk, or in a bucket of the server at this endpoint."""
    with in_bucket(endpoint) if endpoint else on_disk() as place:
        current = build(place.root, releases, files, changed)
        count, _ = size_of(place.root)
        if place.bucket:
            upload(place.root, place.bucket, endpoint)
        about = {"section": "retention", "work": "s3" if place.bucket else "disk", "releases": releases}
        about |= {"files": files, "objects": count}
        for arguments in COMMANDS:
            yield about | run_command(place, current, arguments)


def run_command(place: Place, current: str, arguments: list[str]) -> dict[str, Any]:
    """Measure `manage.py releases` with these arguments."""
    command = [sys.executable, "-c", SCRIPT, str(place.root), place.bucket, place.endpoint, current, *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, env=environment(place.folder), check=True, stdout=subprocess.PIPE, text=True)
    wall = time.perf_counter() - start
    inside, memory = map(float, done.stdout.split())
    return {"peer": " ".join(["releases", *arguments]), "wall": wall, "inside": inside, "memory": memory}
