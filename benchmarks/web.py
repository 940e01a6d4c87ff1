"""The costs for a web process: reading its manifest, URLs and memory; and the memory of gunicorn's workers."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3

from benchmarks.measure import environment, run, settings_of
from benchmarks.peers import DJANGO, IN_A_BUCKET, ON_DISK, OURS, STORAGES, Peer, among
from benchmarks.places import Place, in_bucket, on_disk
from benchmarks.proxy import Proxy
from benchmarks.works import synthetic

# Prints the seconds to read a manifest and to get a URL, and the size of a manifest in bytes.
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
url = min(timeit.repeat(lambda: [storage.url(name) for name in names], number=1, repeat=5)) / len(names)
tracemalloc.start()
again = import_string(staticfiles["BACKEND"])(**staticfiles["OPTIONS"])
again.hashed_files
print(json.dumps({"wall": wall, "url": url, "bytes": tracemalloc.get_traced_memory()[0]}))
"""

# A site with one page that uses a URL.
_SITE = """
import json, os, sys
from django.conf import settings
settings.configure(ROOT_URLCONF="site_under_test", ALLOWED_HOSTS=["*"], **json.loads(os.environ["SETTINGS"]))
from django.http import HttpResponse
from django.templatetags.static import static
from django.urls import path
urlpatterns = [path("", lambda request: HttpResponse(f"{os.getpid()} {static('app0/style1.css')}"))]
if "release_static" in settings.INSTALLED_APPS:
    from release_static.serving import get_wsgi_application
else:
    from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
WORKERS = 4


def measure(files: int, endpoint: str, repeat: int = 5) -> Iterator[dict[str, Any]]:
    work = synthetic(files)
    about = {"section": "web", "files": files}
    manifests = {}
    for peer in among(ON_DISK, OURS, DJANGO):
        with on_disk() as place:
            work.check_out(place.checkout)
            run(peer, place, "release")
            yield about | {"peer": peer.name, "manifest": "on disk"} | start(peer, place, repeat)
            for preload in (True, False):
                yield about | {"peer": peer.name} | workers(peer, place, preload=preload)
            name = ".releases/release/staticfiles.json" if peer.name == OURS else "staticfiles.json"
            manifests[name] = (place.root / name).read_bytes()
    with Proxy(endpoint, 0.03) as distant, in_bucket(endpoint, distant.endpoint) as away:
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        for name, content in manifests.items():
            client.put_object(Bucket=away.bucket, Key=f"static/{name}", Body=content)
        for peer in among(IN_A_BUCKET, OURS, STORAGES):
            yield about | {"peer": peer.name, "manifest": "in the bucket, at 30 ms"} | start(peer, away, repeat)


def start(peer: Peer, place: Place, repeat: int) -> dict[str, Any]:
    """The fastest of this many processes."""
    command = [sys.executable, "-c", _PROCESS, json.dumps(settings_of(peer, place, "release"))]
    runs = []
    for _ in range(repeat):
        done = subprocess.run(
            command, cwd=place.folder, env=environment(place.folder), check=True, stdout=subprocess.PIPE, text=True
        )
        runs.append(json.loads(done.stdout))
    return min(runs, key=lambda figures: figures["wall"])


def workers(peer: Peer, place: Place, *, preload: bool) -> dict[str, Any]:
    """`shared`, in MB: the memory of gunicorn and its workers, with shared pages counted once."""
    (place.folder / "site_under_test.py").write_text(_SITE)
    variables = environment()
    variables["PYTHONPATH"] += f":{place.folder}"
    variables["SETTINGS"] = json.dumps(settings_of(peer, place, "release"))
    options = [f"--workers={WORKERS}", "--bind=127.0.0.1:0", "--no-control-socket", *(["--preload"] if preload else [])]
    command = [sys.executable, "-m", "gunicorn", *options, "site_under_test"]
    with subprocess.Popen(command, cwd=place.folder, env=variables, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            said = iter(server.stderr.readline, "")
            address = next(found[0] for line in said if (found := re.search(r"http://[\d.:]+", line)))
            asked: set[str] = set()
            while len(asked) < WORKERS:  # until each has responded
                with urlopen(address, timeout=30) as response:
                    asked.add(response.read().decode().split()[0])
            return {"workers": WORKERS, "preload": preload, "shared": sum(map(_memory, [str(server.pid), *asked]))}
        finally:
            server.terminate()


def _memory(process: str) -> float:
    rollup = Path("/proc", process, "smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024  # type: ignore[index]
