"""Measure, store the figures, and print them."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import disk, previews, report, retention, s3, template, web
from benchmarks.peers import IN_A_BUCKET, ON_DISK

RESULTS = Path(__file__).with_name("results.json")

Records = Iterator[dict[str, Any]]


def many_releases(endpoint: str) -> Records:
    yield from retention.measure(300, 5000)
    yield from retention.measure(300, 1000, endpoint)


SECTIONS: dict[str, Callable[[str], Records]] = {
    "disk": lambda endpoint: disk.measure(["admin", "apps", "npm"]),
    "growth": lambda endpoint: disk.growth({100: 9, 1000: 5, 5000: 5, 20_000: 3, 50_000: 1}),
    "s3": lambda endpoint: s3.measure(["admin", "apps"], endpoint),
    "previews": lambda endpoint: previews.measure(200, endpoint),
    "web": lambda endpoint: web.measure(20_000, endpoint),
    "retention": many_releases,
    "template": lambda endpoint: template.measure(),
    "suite": lambda endpoint: template.suite(),
}
NO_SERVER = {"disk", "growth", "template", "suite"}
# Runs all of the code with very few files.
FEW: dict[str, Callable[[str], Records]] = {
    "disk": lambda endpoint: disk.measure(["few"]),
    "growth": lambda endpoint: disk.growth({9: 1}),
    "s3": lambda endpoint: s3.measure(["few"], endpoint, 1),
    "previews": lambda endpoint: previews.measure(2, endpoint),
    "web": lambda endpoint: web.measure(10, endpoint, repeat=1),
    "retention": lambda endpoint: retention.measure(8, 20, endpoint),
    "template": lambda endpoint: template.measure(repeat=1),
}


def file_system(folder: Path) -> str:
    """Its type, or "unknown" except on Linux."""
    if shutil.which("findmnt") is None:
        return "unknown"
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)]
    found = subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    device = folder.stat().st_dev
    name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    journal = found != "ext4" or any(Path("/proc/fs/jbd2").glob(f"{name}-*"))
    return found if journal else f"{found} without a journal"


def machine() -> dict[str, Any]:
    always = {"boto3", "django", "django-manifeststaticfiles-enhanced", "django-storages", "whitenoise"}
    peers = {package for peer in (*ON_DISK, *IN_A_BUCKET) if not peer.missing for package in peer.packages}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "file_system": file_system(Path(tempfile.gettempdir())),
        "packages": {name: version(name) for name in sorted(always | peers)},
    }


def read(kept: Path) -> dict[str, Any]:
    """Raises ValueError if figures cannot be added to this file."""
    if kept.suffix != ".json" or not kept.parent.is_dir():
        raise ValueError(f"--results is {kept}: name a file that ends in .json, in a folder that is there")
    try:
        results = json.loads(kept.read_text())
        report.markdown(results)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"--results is {kept}, and that holds no figures of this benchmark ({error})") from error
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; all by default")
    parser.add_argument(
        "--few", action="store_true", help="three files, to try the benchmark itself; kept only with --results"
    )
    parser.add_argument(
        "--endpoint", default="", help="of an S3 server with the keys in AWS_...; Ceph is started without"
    )
    parser.add_argument(
        "--results", type=Path, help=f"where the figures are kept, as JSON, with Markdown beside it: {RESULTS}"
    )
    options = parser.parse_args()
    kept = options.results or (None if options.few else RESULTS)
    sections = FEW if options.few else SECTIONS
    wanted = options.sections or list(sections)
    if unknown := set(wanted) - set(sections):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(sections)}")
    try:
        results = read(kept) if kept else {}
        endpoint = "" if NO_SERVER.issuperset(wanted) else s3.server(options.endpoint).endpoint
    except ValueError as error:
        parser.error(str(error))
    for peer in (*ON_DISK, *IN_A_BUCKET):
        if peer.missing:
            print(f"Left out, because {', '.join(peer.missing)} is not installed: {peer.name}", file=sys.stderr)
    for section in wanted:
        start = time.monotonic()
        records = []
        for record in sections[section](endpoint):
            print(json.dumps(record), file=sys.stderr, flush=True)
            records.append(record)
        print(f"{section}: {(time.monotonic() - start) / 60:.1f} minutes", file=sys.stderr, flush=True)
        results[section] = {"machine": machine(), "records": records}
        if kept:
            kept.write_text(json.dumps(results, indent=1) + "\n")
    text = report.markdown(results, judged=not options.few)
    if kept:
        kept.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
