"""Measure, keep the figures, and print them."""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import disk, report, retention, s3, template, web
from benchmarks.peers import IN_A_BUCKET, ON_DISK

RESULTS = Path(__file__).with_name("results.json")
SIZES = [1250, 2500, 5000, 10_000]

Records = Iterator[dict[str, Any]]


def growth(endpoint: str) -> Records:
    yield from disk.growth(SIZES)
    yield from s3.growth([SIZES[0], SIZES[-1]], endpoint)


def past(endpoint: str) -> Records:
    yield from disk.past(100)
    yield from s3.past(100, endpoint)


def many_releases(endpoint: str) -> Records:
    yield from retention.measure(300, 5000)
    yield from retention.measure(300, 1000, endpoint)


SECTIONS: dict[str, Callable[[str], Records]] = {
    "disk": lambda endpoint: disk.measure(["admin", "apps", "npm"]),
    "s3": lambda endpoint: s3.measure(["admin", "apps"], endpoint),
    # Apart, because it takes most of an hour.
    "s3 npm": lambda endpoint: s3.measure(["npm"], endpoint),
    "growth": growth,
    "past releases": past,
    "web": lambda endpoint: web.measure(10_000, endpoint),
    "retention": many_releases,
    "template": lambda endpoint: template.measure(tests=True),
}
# All of the code, with next to no work.
FEW: dict[str, Callable[[str], Records]] = {
    "disk": lambda endpoint: disk.measure(["few"]),
    "s3": lambda endpoint: s3.measure(["few"], endpoint, (1,)),
    "past releases": lambda endpoint: s3.past(7, endpoint),
    "web": lambda endpoint: web.measure(10, endpoint),
    "retention": lambda endpoint: retention.measure(8, 20, endpoint),
    "template": lambda endpoint: template.measure(tests=False),
}


def machine() -> dict[str, Any]:
    needed = {package for peer in (*ON_DISK, *IN_A_BUCKET) if not peer.missing for package in peer.packages}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in sorted({"django", "django-storages", "boto3"} | needed)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; all by default")
    parser.add_argument("--few", action="store_true", help="three files, to try the benchmark itself")
    parser.add_argument(
        "--endpoint", default="", help="of an S3 server with the keys in AWS_...; Ceph is started without"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="where the figures are kept, as JSON; Markdown beside it"
    )
    options = parser.parse_args()
    sections = FEW if options.few else SECTIONS
    if unknown := set(options.sections) - set(sections):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(sections)}")
    for peer in (*ON_DISK, *IN_A_BUCKET):
        if peer.missing:
            print(f"Left out, because {', '.join(peer.missing)} is not installed: {peer.name}", file=sys.stderr)
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    endpoint = s3.server(options.endpoint).endpoint
    for section in options.sections or sections:
        records = []
        for record in sections[section](endpoint):
            print(json.dumps(record), file=sys.stderr, flush=True)
            records.append(record)
        results[section] = {"machine": machine(), "records": records}
        options.results.write_text(json.dumps(results, indent=1) + "\n")
    options.results.with_suffix(".md").write_text(report.markdown(results) + "\n")
    print(report.markdown(results))


if __name__ == "__main__":
    main()
