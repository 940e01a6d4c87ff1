"""What is published: the files of a folder, or the objects in a corner of a bucket."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class File(NamedTuple):
    """`content` is a digest; `written` changes whenever the file is written, also with the same content."""

    content: str
    written: Any


class Store(Protocol):
    def files(self) -> dict[str, File]:
        """Every file, by its name with forward slashes."""

    def read(self, name: str) -> bytes:
        """The content of a file that is there."""


class Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self) -> dict[str, File]:
        found = {}
        for path in self._root.rglob("*"):
            if path.is_file():
                status = path.stat()
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[path.relative_to(self._root).as_posix()] = File(digest, (status.st_ino, status.st_mtime_ns))
        return found

    def read(self, name: str) -> bytes:
        return (self._root / name).read_bytes()


class Corner:
    """The objects of a bucket whose keys begin with `location`. `client` is boto3's."""

    def __init__(self, client: Any, bucket: str, location: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{location}/"

    def files(self) -> dict[str, File]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        return {
            found["Key"].removeprefix(self._prefix): File(found["ETag"], found["LastModified"])
            for page in pages
            for found in page.get("Contents", [])
        }

    def read(self, name: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read()

    def remove(self) -> None:
        for name in self.files():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)
