"""How long `manage.py releases` takes, and how much memory, with many releases on disk or in a bucket.

    uv run python benchmarks/retention.py [--releases 300] [--files 5000] [--changed 0.02]
    uv run python benchmarks/retention.py --bucket NAME --endpoint http://127.0.0.1:7480

The bucket is made if need be. Keys are those of boto3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, say.

Each step runs in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

import boto3
from botocore.config import Config

THREADS = 16

SCRIPT = """
import resource, sys, time
import django
from django.conf import settings
root, bucket, endpoint, release_id, *arguments = sys.argv[1:]
backend, options = "release_static.storages.ReleaseSpecificManifestLocalStorage", {}
if bucket:
    backend = "release_static.s3.ReleaseSpecificManifestS3Storage"
    options = {"bucket_name": bucket, "endpoint_url": endpoint or None, "region_name": "us-east-1"}
settings.configure(
    BASE_DIR=root, STATIC_URL="/static/", STATIC_ROOT=root, USE_TZ=True,
    INSTALLED_APPS=["release_static", "django.contrib.staticfiles"],
    STORAGES={"staticfiles": {"BACKEND": backend, "OPTIONS": options | {"release_id": release_id}}},
)
django.setup()
from django.core.management import call_command
start = time.perf_counter()
call_command("releases", *arguments, stdout=open("/dev/null", "w"))
seconds = time.perf_counter() - start
print(f"{seconds:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
"""


def build(root: Path, releases: int, files: int, changed: float) -> str:
    """Publish releases that are a day apart, each with this part of its files changed; the id of the newest."""
    now = datetime.now(UTC)
    versions = [0] * files
    for number in range(releases):
        if number:
            for place in range(round(files * changed)):
                versions[(number * round(files * changed) + place) % files] = number
        paths = {}
        record = {}
        for place, version in enumerate(versions):
            content = f"file {place} of version {version}\n".encode() * 20
            digest = md5(content).hexdigest()
            name = f"app{place % 50}/file{place}"
            paths[f"{name}.css"] = hashed = f"{name}.{digest[:12]}.css"
            record[hashed] = [len(content), digest]
            if version == number or not number:
                for path in (root / f"{name}.css", root / hashed):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
        folder = root / ".releases" / f"release-{number}"
        folder.mkdir(parents=True)
        created_at = (now - timedelta(days=releases - number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        release = {"id": folder.name, "created_at": created_at, "created_by": "benchmark"}
        manifest = {"release": release, "version": "1.1", "hash": "abc", "paths": paths}
        (folder / "staticfiles.json").write_text(json.dumps(manifest))
        (folder / "files.json").write_text(json.dumps({"version": 1, "files": record}))
    return folder.name


def upload(root: Path, bucket: str, endpoint: str) -> None:
    """Put every file below `root` under `static/` in the bucket, as it is."""
    client = boto3.client(
        "s3", endpoint_url=endpoint or None, region_name="us-east-1", config=Config(max_pool_connections=THREADS)
    )
    client.create_bucket(Bucket=bucket)

    def put(path: Path) -> None:
        client.put_object(Bucket=bucket, Key=f"static/{path.relative_to(root)}", Body=path.read_bytes())

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(put, [path for path in root.rglob("*") if path.is_file()]):
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--releases", type=int, default=300)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--changed", type=float, default=0.02)
    parser.add_argument("--bucket", default="")
    parser.add_argument("--endpoint", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        start = time.perf_counter()
        current = build(root, options.releases, options.files, options.changed)
        count = sum(len(names) for _, _, names in os.walk(root))
        if options.bucket:
            upload(root, options.bucket, options.endpoint)
        place = "in a bucket" if options.bucket else "on disk"
        print(f"{options.releases} releases x {options.files} files, {count} files {place}", end=" ")
        print(f"(built in {time.perf_counter() - start:.0f} s)")
        for arguments in (
            ["--json"],
            ["show", current],
            ["verify"],
            ["verify", "--all"],
            ["prune", "--dry-run"],
            ["prune"],
            ["--json"],
        ):
            command = [sys.executable, "-c", SCRIPT, folder, options.bucket, options.endpoint, current, *arguments]
            environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent / "template")}
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            seconds, memory = done.stdout.split()
            print(f"  releases {' '.join(arguments):<20} {seconds:>7} s  {memory:>5} MB")


if __name__ == "__main__":
    main()
