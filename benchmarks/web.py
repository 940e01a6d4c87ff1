"""What a web process pays: until it has its manifest, for an address, in memory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3

from benchmarks.measure import environment, run, settings_of
from benchmarks.peers import DJANGO, IN_A_BUCKET, ON_DISK, OURS, STORAGES, Peer, among
from benchmarks.places import Place, in_bucket, on_disk
from benchmarks.proxy import Proxy
from benchmarks.works import synthetic

# Prints the seconds until there is a manifest, those for an address, and the bytes that a manifest takes.
_PROCESS = """
import json, sys, time, timeit, tracemalloc
import django
from django.conf import settings
from django.utils.module_loading import import_string
settings.configure(**json.loads(sys.argv[1]))
django.setup()
staticfiles = settings.STORAGES["staticfiles"]
start = time.perf_counter()
storage = import_string(staticfiles["BACKEND"])(**staticfiles["OPTIONS"])
names = list(storage.hashed_files)[:1000]
wall = time.perf_counter() - start
assert names
address = min(timeit.repeat(lambda: [storage.url(name) for name in names], number=1, repeat=5)) / len(names)
tracemalloc.start()
again = import_string(staticfiles["BACKEND"])(**staticfiles["OPTIONS"])
again.hashed_files
print(json.dumps({"wall": wall, "url": address, "bytes": tracemalloc.get_traced_memory()[0]}))
"""


def measure(files: int, endpoint: str, repeat: int = 5) -> Iterator[dict[str, Any]]:
    work = synthetic(files)
    about = {"section": "web", "files": files}
    content = b""
    for peer in among(ON_DISK, OURS, DJANGO):
        with on_disk() as place:
            work.check_out(place.checkout)
            run(peer, place, "release")
            yield about | {"peer": peer.name, "manifest": "on disk"} | start(peer, place, repeat)
            if peer.name == DJANGO:
                content = (place.root / "staticfiles.json").read_bytes()
    [ours], [storages] = among(IN_A_BUCKET, OURS), among(IN_A_BUCKET, STORAGES)
    with Proxy(endpoint, 0.03) as distant, in_bucket(endpoint, distant.endpoint) as away:
        work.check_out(away.checkout)
        # The copy beside the code belongs to one endpoint.
        run(ours, away, "release", distant)
        yield about | {"peer": OURS, "manifest": "the copy beside the code"} | start(ours, away, repeat)
        (away.folder / "staticfiles.json").unlink()
        yield about | {"peer": OURS, "manifest": "in the bucket, at 30 ms"} | start(ours, away, repeat)
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.put_object(Bucket=away.bucket, Key="static/staticfiles.json", Body=content)
        yield about | {"peer": STORAGES, "manifest": "in the bucket, at 30 ms"} | start(storages, away, repeat)


def start(peer: Peer, place: Place, repeat: int) -> dict[str, Any]:
    """The fastest of so many processes."""
    command = [sys.executable, "-c", _PROCESS, json.dumps(settings_of(peer, place, "release"))]
    runs = []
    for _ in range(repeat):
        done = subprocess.run(
            command, cwd=place.folder, env=environment(place.folder), check=True, stdout=subprocess.PIPE, text=True
        )
        runs.append(json.loads(done.stdout))
    return min(runs, key=lambda figures: figures["wall"])
