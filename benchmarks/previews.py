"""Publish another preview to a bucket with many, each with its own environment and two releases."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.measure import median, run
from benchmarks.peers import PREVIEW, THREADS
from benchmarks.places import Place, in_bucket
from benchmarks.proxy import Proxy
from benchmarks.retention import run_command
from benchmarks.scenarios import CHANGED
from benchmarks.works import WORKS

_STYLE_SHEET = "admin/css/base.css"
_REPEAT = 3


def measure(previews: int, endpoint: str) -> Iterator[dict[str, Any]]:
    work = WORKS["admin"]
    with Proxy(endpoint, 0.03) as distant, in_bucket(endpoint) as place:
        away = replace(place, endpoint=distant.endpoint)
        work.check_out(place.checkout)
        run(PREVIEW, place, "preview-0")
        for before in (1, previews):
            _add(place, range(1, before))
            about = {"section": "previews", "previews": before}
            runs = []
            for number in range(_REPEAT):
                work.change(place.checkout, f"{before} {number}")
                runs.append(run(PREVIEW, away, f"preview-new-{before}-{number}", distant))
            yield about | {"scenario": CHANGED} | median(runs) | {"peer": "collectstatic"}
            for arguments in (["--json"], ["prune", "--dry-run"]):
                yield about | run_command(away, "preview-0", arguments)


def _add(place: Place, numbers: range) -> None:
    """The objects that publishing these previews would create: a file, its hashed name, a manifest and a marker."""
    config = Config(max_pool_connections=THREADS)
    client = boto3.client("s3", endpoint_url=place.endpoint, region_name="us-east-1", config=config)
    manifest, marker = (
        client.get_object(Bucket=place.bucket, Key=f"static/.releases/preview-0/{name}")["Body"].read()
        for name in ("staticfiles.json", "environment-preview-0.json")
    )

    def put(name: str, content: bytes) -> None:
        client.put_object(Bucket=place.bucket, Key=f"static/{name}", Body=content)

    def add(number: int) -> None:
        content = json.loads(manifest)
        content["paths"][_STYLE_SHEET] = hashed = f"admin/css/base.{number:012x}.css"
        put(hashed, b"/* changed */")
        for commit in ("a", "b"):
            content["release"]["id"] = release = f"preview-{number}-{commit}"
            put(f".releases/{release}/environment-preview-{number}.json", marker)
            put(f".releases/{release}/staticfiles.json", json.dumps(content).encode())

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(add, numbers):
            pass
