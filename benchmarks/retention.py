"""How long `manage.py releases` takes, and how much memory, with many releases on disk.

    uv run python benchmarks/retention.py [--releases 300] [--files 5000] [--changed 0.02]

Each step runs in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

SCRIPT = """
import resource, sys, time
import django
from django.conf import settings
settings.configure(
    BASE_DIR=sys.argv[1], STATIC_URL="/static/", STATIC_ROOT=sys.argv[1], USE_TZ=True,
    INSTALLED_APPS=["release_static", "django.contrib.staticfiles"],
    STORAGES={"staticfiles": {
        "BACKEND": "release_static.storages.ReleaseSpecificManifestLocalStorage",
        "OPTIONS": {"release_id": sys.argv[2]},
    }},
)
django.setup()
from django.core.management import call_command
start = time.perf_counter()
call_command("releases", *sys.argv[3:], stdout=open("/dev/null", "w"))
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--releases", type=int, default=300)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--changed", type=float, default=0.02)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        start = time.perf_counter()
        current = build(root, options.releases, options.files, options.changed)
        count = sum(len(names) for _, _, names in os.walk(root))
        print(f"{options.releases} releases x {options.files} files, {count} files on disk", end=" ")
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
            command = [sys.executable, "-c", SCRIPT, folder, current, *arguments]
            environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent / "template")}
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            seconds, memory = done.stdout.split()
            print(f"  releases {' '.join(arguments):<20} {seconds:>7} s  {memory:>5} MB")


if __name__ == "__main__":
    main()
