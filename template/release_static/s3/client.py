"""The requests to a bucket."""

import base64
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from io import BytesIO
from itertools import islice
from typing import Any

from botocore import xform_name

from release_static.publishing.destination import Entry
from release_static.s3.errors import BucketError, explained
from release_static.s3.parallel import for_each
from release_static.s3.settings import CONNECTIONS

_BATCH = 1000  # objects that one request deletes


class Client:
    """Requests for the objects under `prefix` in a bucket; names are without the prefix. All methods raise BucketError.

    `connect` returns boto3's client, and is called when it is first needed.
    """

    def __init__(self, connect: Callable[[], Any], bucket: str, prefix: str) -> None:
        self._connect = connect
        self._bucket = bucket
        self._prefix = prefix
        # By the latest answer to a write. Those of SSE-KMS are not.
        self.etags_are_md5 = True

    @cached_property
    def boto3(self) -> Any:
        client = self._connect()
        client.meta.events.register_last("before-call.s3", _send_at_once)
        return client

    def location(self, name: str = "") -> str:
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """In the order of the bytes of their names, with one request per 1,000 objects."""
        more: dict[str, str] = {}
        while True:
            page = self._call("ListObjectsV2", Prefix=f"{self._prefix}{prefix}", **more)
            for found in page.get("Contents", []):
                etag = found["ETag"].strip('"')
                yield Entry(
                    found["Key"].removeprefix(self._prefix),
                    found["Size"],
                    found["LastModified"].timestamp(),
                    # The MD5 of what one PutObject wrote, except under SSE-KMS; that of a multipart upload is not.
                    md5=None if "-" in etag else etag,
                )
            if not page["IsTruncated"]:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def read(self, name: str) -> bytes | None:
        """None if there is no such object."""
        try:
            body = self._call("GetObject", name)["Body"]
            with explained("GetObject", self.location(name)):
                return body.read()
        except BucketError as error:
            if error.code == "NoSuchKey" or (error.code == "AccessDenied" and self._is_absent(name)):
                return None
            raise

    def write(self, name: str, body: Any, md5: str, **parameters: Any) -> None:
        """`body` is bytes or a file, and `md5` its hex digest, which the server checks."""
        content_md5 = base64.b64encode(bytes.fromhex(md5)).decode()
        response = self._call("PutObject", name, Body=body, ContentMD5=content_md5, **parameters)
        self.etags_are_md5 = response.get("ETag", "").strip('"') == md5

    def write_if_absent(self, name: str, body: bytes, md5: str, **parameters: Any) -> None:
        """Raises FileExistsError if the object exists, unless the server ignores conditions."""
        for pause in (0.1, 0.2, 0.4, None):
            try:
                return self.write(name, body, md5, IfNoneMatch="*", **parameters)
            except BucketError as error:
                if error.status == 412:
                    raise FileExistsError(name) from error
                # 409 during another publisher's write, then 412 or success.
                if error.status != 409 or pause is None:
                    raise
                time.sleep(pause)

    def delete(self, names: Iterable[str]) -> None:
        """One request per 1,000 objects. Objects that do not exist are ignored."""
        remaining = iter(names)
        while batch := list(islice(remaining, _BATCH)):
            keys = [{"Key": f"{self._prefix}{name}"} for name in batch]
            try:
                response = self._call("DeleteObjects", Delete={"Objects": keys, "Quiet": True})
            except BucketError as error:
                if error.status not in (400, 403, 501):
                    raise
                # Older MinIOs and others require Content-MD5, which boto3 no longer sends. Older Cephs deny this request
                # to users who may delete each of these objects.
                for _ in for_each(batch, lambda name: self._call("DeleteObject", name), CONNECTIONS):
                    pass
                continue
            for refused in response.get("Errors", []):
                location = self.location(refused["Key"].removeprefix(self._prefix))
                raise BucketError(
                    f"DeleteObjects of {location} was answered with {refused['Code']} ({refused.get('Message')})",
                    refused["Code"],
                )

    def _is_absent(self, name: str) -> bool:
        """Whether listing is allowed and the object is not listed. Without that permission, S3 returns 403, not 404."""
        try:
            return all(entry.name != name for entry in self.entries(name))
        except BucketError:
            return False

    def _call(self, operation: str, name: str | None = None, **parameters: Any) -> Any:
        if name is not None:
            parameters["Key"] = f"{self._prefix}{name}"
        with explained(operation, self.location(name or "")):
            return getattr(self.boto3, xform_name(operation))(Bucket=self._bucket, **parameters)


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    """Turn off `Expect: 100-continue` for small bodies: the extra round trip takes as long as sending them."""
    if isinstance(params["body"], BytesIO):
        params["headers"].pop("Expect", None)
