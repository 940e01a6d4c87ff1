"""A destination in an S3 bucket."""

import base64
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager, suppress
from functools import cached_property
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from release_static.manifest import NAME, RELEASES, path
from release_static.publishing.destination import Entry, StagedFile, md5
from release_static.s3 import headers
from release_static.s3.errors import BucketError, explained
from release_static.s3.settings import CONNECTIONS

_MANIFEST = re.compile(rf"{re.escape(RELEASES)}/([^/]+)/{re.escape(NAME)}")
_BATCH = 1000  # objects that one request deletes
_SMALL = 1 << 20  # bytes that are sent from memory


class Bucket:
    """Objects under `location` in a bucket. `connect` gives a boto3 client; it is called when the first is needed."""

    def __init__(self, connect: Callable[[], Any], name: str, location: str, endpoint_url: str | None = None) -> None:
        self.name = name
        self.warnings: list[str] = []
        # The private file that was put last: its name and content.
        self._private: tuple[str, bytes] | None = None
        self._connect = connect
        self._prefix = f"{location.strip('/')}/".lstrip("/")
        self._endpoint_url = endpoint_url

    def __str__(self) -> str:
        where = f"s3://{self.name}/{self._prefix}".rstrip("/")
        return f"{where} at {self._endpoint_url}" if self._endpoint_url else where

    @contextmanager
    def private_directory(self) -> Iterator[Path]:
        # Making a client is work for this thread, as hashing is; the requests of another one then run beside that.
        with suppress(BotoCoreError):  # the first request raises it again
            _ = self._client
        with tempfile.TemporaryDirectory() as directory:
            yield Path(directory)

    def survey(self, names: Iterable[str]) -> Survey:
        wanted = set(names)
        survey = Survey({}, [])
        for entry in self.entries():
            if entry.name in wanted:
                survey.there[entry.name] = entry
            elif entry.name.startswith(f"{RELEASES}/"):
                survey.releases.append(entry)
        return survey

    def holds(self, file: StagedFile, there: Entry) -> bool:
        return there.size == file.size and there.md5 == file.digest()

    def put(self, files: Iterable[StagedFile]) -> Iterator[StagedFile]:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            putting = {pool.submit(self._put_file, file): file for file in files}
            try:
                for done in as_completed(putting):
                    done.result()
                    yield putting[done]
            finally:
                pool.shutdown(cancel_futures=True)

    def settle(self) -> None:
        """S3 answers a PUT only when the object survives."""

    def put_manifest(self, release_id: str, content: bytes, *, replace: bool = False) -> None:
        name = path(release_id)
        if replace:
            self._put_content(name, content)
            return
        with ThreadPoolExecutor(1) as pool:
            if self._endpoint_url and self._private:
                pool.submit(self._look_at_conditions, *self._private)
            try:
                self._put_if_absent(name, content)
            except BucketError as error:
                if error.status != 501:
                    raise
                # The server knows no conditions and says so.
                if self._read(name) is not None:
                    raise FileExistsError(name) from error
                self._put_content(name, content)
                self._warn_of_unconditional_writes()

    def read_manifest(self, release_id: str) -> bytes | None:
        return self._read(path(release_id))

    def releases(self) -> list[str]:
        found = [(there["LastModified"], _MANIFEST.fullmatch(name)) for name, there in self._list(f"{RELEASES}/")]
        return [match[1] for _, match in sorted(found, key=lambda pair: pair[0], reverse=True) if match]

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        for name, found in self._list(prefix):
            etag = found["ETag"].strip('"')
            # The MD5 of what one PutObject wrote, except under KMS; of what was put in parts it is none.
            md5 = None if "-" in etag else etag
            yield Entry(name, found["Size"], found["LastModified"].timestamp(), md5)

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        return self._for_each(names, self._read)

    def digests(self, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        return self._for_each(names, self._digest)

    def write(self, name: str, content: bytes) -> None:
        self._put_content(name, content)

    def discard(self, name: str) -> None:
        self.write(name, b"")

    def delete(self, names: Iterable[str]) -> None:
        remaining = iter(names)
        while batch := list(islice(remaining, _BATCH)):
            keys = [{"Key": f"{self._prefix}{name}"} for name in batch]
            try:
                answer = self._call("DeleteObjects", Delete={"Objects": keys, "Quiet": True})
            except BucketError as error:
                if error.status not in (403, 501):
                    raise
                # Older Cephs refuse the request to users who may delete each of these objects.
                list(self._for_each(batch, lambda name: self._call("DeleteObject", name)))
                continue
            for refused in answer.get("Errors", []):
                name = refused["Key"].removeprefix(self._prefix)
                raise BucketError(
                    f"DeleteObjects of {self.location(name)} was answered with {refused['Code']} "
                    f"({refused.get('Message')})",
                    refused["Code"],
                )

    def location(self, name: str) -> str:
        return f"s3://{self.name}/{self._prefix}{name}"

    def _digest(self, name: str) -> str | None:
        content = self._read(name)
        return None if content is None else md5(content).hexdigest()

    def _for_each(self, names: Iterable[str], function: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
        """Each name with what the function gives for it, as soon as it does, with few results waiting at a time."""
        remaining = iter(names)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            running = {pool.submit(function, name): name for name in islice(remaining, 2 * CONNECTIONS)}
            try:
                while running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        name = running.pop(future)
                        for following in islice(remaining, 1):
                            running[pool.submit(function, following)] = following
                        yield name, future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    @cached_property
    def _client(self) -> Any:
        client = self._connect()
        client.meta.events.register_last("before-call.s3", _send_at_once)
        return client

    def _list(self, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """Names under this prefix with what ListObjectsV2 says of them; a request for each 1,000."""
        more: dict[str, str] = {}
        while True:
            page = self._call("ListObjectsV2", Prefix=f"{self._prefix}{prefix}", **more)
            for found in page.get("Contents", []):
                yield found["Key"].removeprefix(self._prefix), found
            if not page["IsTruncated"]:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _read(self, name: str) -> bytes | None:
        try:
            body = self._call("GetObject", name)["Body"]
            with _explained("GetObject", self.location(name)):
                return body.read()
        except BucketError as error:
            if error.code == "NoSuchKey" or (error.code == "AccessDenied" and self._is_absent(name)):
                return None
            raise

    def _look_at_conditions(self, name: str, content: bytes) -> None:
        """A server that honours the condition refuses to put the same again."""
        try:
            self._put_if_absent(name, content)
        except FileExistsError:
            return
        except BucketError as error:
            if error.status == 501:  # of which the manifest's answer tells too
                return
            self.warnings.append(f"Whether the server honours conditional writes is unknown: {error}.")
        else:
            self._warn_of_unconditional_writes()

    def _warn_of_unconditional_writes(self) -> None:
        self.warnings.append(
            f"The server of {self} ignores conditional writes, so two publishers of one release at once are not "
            "protected from each other. Run one collectstatic at a time."
        )

    def _put_if_absent(self, name: str, content: bytes) -> None:
        for pause in (0.1, 0.2, 0.4, None):
            try:
                return self._put_content(name, content, IfNoneMatch="*")
            except BucketError as error:
                if error.status == 412:
                    raise FileExistsError(name) from error
                # 409 while another publisher's write is under way, and then 412 or success.
                if error.status != 409 or pause is None:
                    raise
                time.sleep(pause)

    def _put_file(self, file: StagedFile) -> None:
        with open(file.path, "rb") as stream:
            body: Any = stream
            if file.name.startswith(f"{RELEASES}/"):
                body = stream.read()
                self._private = (file.name, body)
            elif file.size <= _SMALL:
                body = stream.read()
            self._put(file.name, body, file.digest(), **headers.of(file.name, hashed=file.hashed))

    def _put_content(self, name: str, content: bytes, **parameters: str) -> None:
        self._put(name, content, md5(content).hexdigest(), **headers.of(name, hashed=False), **parameters)

    def _put(self, name: str, body: Any, digest: str, **parameters: str) -> None:
        content_md5 = base64.b64encode(bytes.fromhex(digest)).decode()
        self._call("PutObject", name, Body=body, ContentMD5=content_md5, **parameters)

    def _is_absent(self, name: str) -> bool:
        """Whether a listing is allowed and has nothing under this name: S3 says 403 where it may not say 404."""
        try:
            return all(found != name for found, _ in self._list(name))
        except BucketError:
            return False

    def _call(self, operation: str, name: str | None = None, **parameters: Any) -> Any:
        if name is not None:
            parameters["Key"] = f"{self._prefix}{name}"
        with _explained(operation, self.location(name or "")):
            return getattr(self._client, xform_name(operation))(Bucket=self.name, **parameters)


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    """What is in memory: boto3 asks first whether it may send a body, which takes as long as sending a small one."""
    if isinstance(params["body"], BytesIO):
        params["headers"].pop("Expect", None)


@contextmanager
def _explained(operation: str, where: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise explained(error, operation, where) from error
