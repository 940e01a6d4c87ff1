"""One measured run, in its own process: `python run.py JSON` prints the result as JSON.

`inside`, in seconds, begins when Django is set up, so it includes what the storages import, but not the start of Python.
Peak memory, in MB, is that of the whole process, without rclone's.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import execute_from_command_line


def collectstatic(task: dict[str, Any]) -> None:
    execute_from_command_line(["manage.py", "collectstatic", "--noinput", "--verbosity=0"])


def unsynced(task: dict[str, Any]) -> None:
    """Like `collectstatic`, but without syncing files to disk."""
    from release_static.publishing import sync

    sync._sync = lambda path, function: None
    collectstatic(task)


def copy(task: dict[str, Any]) -> None:
    """Hash each file, and write it under two names unless it exists with the same size and time."""
    checkout, root = Path(task["checkout"]), Path(task["root"])
    for path, name in _files(checkout):
        status = path.stat()
        content = path.read_bytes()
        digest = md5(content, usedforsecurity=False).hexdigest()
        for target in (root / name, root / f"{name}.{digest[:12]}"):
            if not _holds(target, status):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def boto3_at_once(task: dict[str, Any]) -> None:
    """Like `boto3`, but without `Expect: 100-continue`."""
    boto3(task, at_once=True)


def boto3(task: dict[str, Any], *, at_once: bool = False) -> None:
    """Hash each file, and upload it under two names unless it is listed with this hash. The first run does not list."""
    import boto3
    from botocore.config import Config

    checkout, place, threads = Path(task["checkout"]), task["place"], task["threads"]
    bucket = place["bucket_name"]
    config = Config(max_pool_connections=threads, s3={"addressing_style": "path"})
    client = boto3.client("s3", endpoint_url=place["endpoint_url"], region_name=place["region_name"], config=config)
    if at_once:
        client.meta.events.register_last("before-call.s3", _send_at_once)
    there: dict[str, str] = {}
    if not task["first"]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        there = {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", [])}

    def put(found: tuple[Path, str]) -> None:
        path, key = found
        client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

    wanted = []
    for path, name in _files(checkout):
        digest = md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for key in (f"static/{name}", f"static/{name}.{digest[:12]}"):
            if there.get(key) != digest:
                wanted.append((path, key))
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(put, wanted):
            pass


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    params["headers"].pop("Expect", None)


def rclone(task: dict[str, Any]) -> None:
    """Copy the files in `collected`, comparing checksums from a listing."""
    place, threads = task["place"], str(task["threads"])
    environment = os.environ | {
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_THERE_TYPE": "s3",
        "RCLONE_CONFIG_THERE_PROVIDER": "Ceph",
        "RCLONE_CONFIG_THERE_ENV_AUTH": "true",
        "RCLONE_CONFIG_THERE_REGION": place["region_name"],
        "RCLONE_CONFIG_THERE_ENDPOINT": place["endpoint_url"],
    }
    flags = ["--transfers", threads, "--checkers", threads, "--checksum", "--fast-list"]
    target = f"there:{place['bucket_name']}/static"
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or "rclone"
    subprocess.run(
        [program, "copy", *flags, "--s3-no-check-bucket", "--s3-no-head", task["collected"], target],
        env=environment,
        check=True,
    )


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(where, name)
            yield path, path.relative_to(folder).as_posix()


def _holds(target: Path, status: os.stat_result) -> bool:
    try:
        there = target.stat()
    except FileNotFoundError:
        return False
    return (there.st_size, there.st_mtime_ns) == (status.st_size, status.st_mtime_ns)


def main() -> None:
    task = json.loads(sys.argv[1])
    settings.configure(**task["settings"])
    django.setup()
    start = time.perf_counter()
    globals()[task["task"]](task)
    print(json.dumps({"inside": time.perf_counter() - start, "memory": _peak_memory()}))


def _peak_memory() -> float:
    """Of this process. The usual ru_maxrss includes that of its parent."""
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
