"""A site that publishes to a bucket from within this process."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

import release_static
from release_static.errors import ReleaseStaticError
from release_static.s3.bucket import Bucket
from tests.s3.server import Server

STATIC = "https://static.example.com/static/"
LOCK = "/.lock-"
UPLOADS = "PutObject"


@pytest.fixture(autouse=True)
def no_variables_of_this_machine(monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "RELEASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@dataclass
class Site:
    """Static files in `sources`, which Django in this process publishes to `location` in a bucket."""

    server: Server
    bucket: str
    sources: Path
    settings: Any
    location: str = "static"
    options: dict[str, Any] = field(default_factory=dict)
    # "PutObject static/a.css", in the order in which they were sent.
    requests: list[str] = field(default_factory=list)
    # A handler of botocore's event before-call for PutObject.
    before_put: Callable[..., Any] = lambda **kwargs: None
    # Takes the operation and the request, and may answer in the server's place, or raise.
    on_request: Callable[[str, AWSPreparedRequest], AWSResponse | None] = lambda operation, request: None
    # Takes the operation and what boto3 makes of the response, and may change that.
    on_response: Callable[[str, dict[str, Any]], None] = lambda operation, parsed: None

    def write(self, **files: str | bytes) -> None:
        """write(a__css="...") writes a.css."""
        for name, content in files.items():
            path = self.sources / name.replace("__", ".")
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def configure(self, release_id: str, **options: Any) -> None:
        """Make settings.STORAGES that of a process of this release."""
        staticfiles = {
            "BACKEND": "release_static.s3.storage.ReleaseSpecificManifestS3Storage",
            "OPTIONS": {
                "bucket_name": self.bucket,
                "endpoint_url": self.server.endpoint,
                "region_name": "us-east-1",
                "access_key": self.server.key,
                "secret_key": self.server.secret,
                "location": self.location,
                "release_id": release_id,
                **self.options,
                **options,
            },
        }
        self.settings.STORAGES = self.settings.STORAGES | {"staticfiles": staticfiles}

    def at(self, release_id: str, **options: Any) -> "Site":
        """A new process of this release, whose requests are recorded."""
        self.configure(release_id, **options)
        with suppress(ReleaseStaticError):
            _ = self.destination._client.boto3  # it has one in every thread, and this one is watched
        events = self.storage.connection.meta.client.meta.events
        events.register("before-send.s3", self._see)
        events.register("before-call.s3.PutObject", self.before_put)
        events.register("after-call.s3", lambda parsed, model, **kwargs: self.on_response(model.name, parsed))
        return self

    def _see(self, request: AWSPreparedRequest, event_name: str, **kwargs: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        key = request.url.partition(f"{self.bucket}/")[2] or request.url.partition("prefix=")[2].partition("&")[0]
        self.requests.append(f"{operation} {re.sub(f'{LOCK}.*', LOCK, key)}")
        return self.on_request(operation, request)

    def publish(self, release_id: str, **options: Any) -> str:
        """The summary of collectstatic. Afterwards `requests` contains the requests of this run."""
        self.requests.clear()
        self.at(release_id)
        return call_command("collectstatic", interactive=False, **options)

    @property
    def storage(self) -> Any:
        return staticfiles_storage

    @property
    def destination(self) -> Bucket:
        return self.storage.destination

    @property
    def copy(self) -> Path:
        return self.sources.parent / "staticfiles.json"

    def objects(self) -> dict[str, str]:
        """The bucket's keys and their ETags, without locks."""
        return {key: tag for key, tag in self.server.names(self.bucket).items() if LOCK not in key}

    def locks(self) -> list[str]:
        """The locks that are held. Released ones are empty."""
        empty = hashlib.md5(b"").hexdigest()
        return [key for key, tag in self.server.names(self.bucket).items() if LOCK in key and empty not in tag]

    def read(self, key: str) -> bytes:
        return self.server.client().get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def manifest(self, release_id: str) -> dict[str, Any] | None:
        key = f"{self.location}/.releases/{release_id}/staticfiles.json"
        return json.loads(self.read(key)) if key in self.objects() else None

    def uploads(self) -> list[str]:
        """The keys that the last run wrote, without locks."""
        keys = [request.partition(" ")[2] for request in self.requests if request.startswith(UPLOADS)]
        return [key for key in keys if not key.endswith(LOCK)]


@pytest.fixture
def site(server: Server, bucket_name: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    sources = tmp_path / "sources"
    sources.mkdir()
    # The project is where release_static/ is.
    monkeypatch.setattr(release_static, "__file__", str(tmp_path / "release_static" / "__init__.py"))
    settings.STATIC_URL = STATIC
    settings.STATICFILES_DIRS = [sources]
    site = Site(server, bucket_name, sources, settings)
    site.write(home__css="body { background: url(logo.svg) }", logo__svg="<svg/>", app__js="let release = 1;\n")
    return site
