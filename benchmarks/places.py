"""Where a peer publishes: a new, empty, temporary place each time."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from tests.project import ROOT


@dataclass(frozen=True)
class Place:
    """A folder with the checkout, the destination on disk and a cache; and a bucket, if that is the destination."""

    folder: Path
    bucket: str = ""
    endpoint: str = ""

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def root(self) -> Path:
        return self.folder / "public"

    @property
    def options(self) -> dict[str, Any]:
        """Of django-storages."""
        return {
            "bucket_name": self.bucket,
            "endpoint_url": self.endpoint,
            "region_name": "us-east-1",
            "location": "static",
            # Without one, it signs every URL.
            "custom_domain": "static.example.com",
        }


@contextmanager
def on_disk() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        # The project directory is the one that contains release_static/.
        Path(folder, "release_static").symlink_to(ROOT / "template" / "release_static")
        yield Place(Path(folder))


@contextmanager
def in_bucket(endpoint: str, seen_at: str = "") -> Iterator[Place]:
    """A bucket at this endpoint. The peer may use another endpoint, such as the proxy."""
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    bucket = f"benchmark-{uuid.uuid4().hex}"
    with on_disk() as place:
        client.create_bucket(Bucket=bucket)
        try:
            yield replace(place, bucket=bucket, endpoint=seen_at or endpoint)
        finally:
            _delete(client, bucket)


def _delete(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if keys := [{"Key": found["Key"]} for found in page.get("Contents", [])]:
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    client.delete_bucket(Bucket=bucket)
