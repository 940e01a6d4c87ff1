"""An S3 server, buckets on it, and a site that publishes there from within this process.

The server is moto's; or Ceph with S3_SERVER=ceph, and always in CI.
"""

import fcntl
import json
import logging
import os
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from moto.server import ThreadedMotoServer

from release_static import s3_settings
from release_static.bucket import Bucket

RGW = Path(__file__).parent / "rgw.sh"
STATIC = "https://static.example.com/static/"
UPLOADS = "PutObject"


@dataclass(frozen=True)
class Server:
    endpoint: str
    # Ceph's only: moto neither knows users nor refuses anything.
    secure_endpoint: str = ""
    authority: Path = Path()
    data: str = ""
    key: str = "owner"
    secret: str = "owners-secret"

    @property
    def is_ceph(self) -> bool:
        return bool(self.data)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a project that publishes here, but for the bucket."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_S3_ENDPOINT_URL": self.endpoint,
        }

    def client(self, service: str = "s3", user: str | None = None) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=user or self.key,
            aws_secret_access_key=f"{user}s-secret" if user else self.secret,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=s3_settings.CONNECTIONS),
        )

    def user(self, policy: dict[str, Any]) -> str:
        """A new user who may do what this policy says; their key."""
        name = f"user{uuid.uuid4().hex[:8]}"
        root = os.environ.get("CEPH_ROOT")
        command = [*(["chroot", root] if root else []), "radosgw-admin", "-c", f"{self.data}/ceph.conf"]
        command += ["-n", "client.rgw", "user", "create", f"--uid={name}", f"--display-name={name}"]
        command += [f"--access-key={name}", f"--secret-key={name}s-secret"]
        subprocess.run(command, check=True, capture_output=True)
        self.client("iam").put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
        return name


def _start_ceph(directory: Path, owner: int) -> Server:
    """One for the whole run, whatever the number of workers, until the run's process ends."""
    with open(directory / "rgw.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = directory / "rgw.json"
        if not started.exists():
            with socket.socket() as one, socket.socket() as two, socket.socket() as three:
                for free in (one, two, three):
                    free.bind(("127.0.0.1", 0))
                ports = [free.getsockname()[1] for free in (one, two, three)]
            data = f"/tmp/rgw-{uuid.uuid4().hex}"
            subprocess.run([RGW, "start", data, *map(str, ports), str(owner)], check=True, stdin=subprocess.DEVNULL)
            started.write_text(json.dumps([data, *ports]))
        data, http, https, _ = json.loads(started.read_text())
    authority = Path(os.environ.get("CEPH_ROOT", "") + data, "ca.pem")
    return Server(f"http://127.0.0.1:{http}", f"https://localhost:{https}", authority, data)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Server]:
    if os.environ.get("CI") == "true" or os.environ.get("S3_SERVER") == "ceph":
        alone = worker_id == "master"
        base = tmp_path_factory.getbasetemp()
        yield _start_ceph(base if alone else base.parent, os.getpid() if alone else os.getppid())
        return
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    yield Server(f"http://{host}:{port}")
    moto.stop()


@pytest.fixture
def ceph(server: Server) -> Server:
    if not server.is_ceph:
        pytest.skip("takes a server with users and policies: S3_SERVER=ceph")
    return server


@pytest.fixture
def bucket_name(server: Server) -> str:
    name = f"bucket-{uuid.uuid4().hex}"
    server.client().create_bucket(Bucket=name)
    return name


@pytest.fixture(autouse=True)
def no_variables_of_this_machine(monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "RELEASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@dataclass
class Site:
    """Static files in `sources`, published to `location` in a bucket by Django in this process."""

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

    def write(self, **files: str | bytes) -> None:
        """write(a__css="...") writes a.css."""
        for name, content in files.items():
            path = self.sources / name.replace("__", ".")
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def at(self, release_id: str, **options: Any) -> "Site":
        """A new process of this release."""
        staticfiles = {
            "BACKEND": "release_static.s3.ReleaseSpecificManifestS3Storage",
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
        events = staticfiles_storage.connection.meta.client.meta.events
        events.register("before-send.s3", self._see)
        events.register("before-call.s3.PutObject", self.before_put)
        return self

    def _see(self, request: AWSPreparedRequest, event_name: str, **kwargs: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        key = request.url.partition(f"{self.bucket}/")[2] or request.url.partition("prefix=")[2].partition("&")[0]
        self.requests.append(f"{operation} {key}")
        return self.on_request(operation, request)

    def publish(self, release_id: str, **options: Any) -> str:
        """Run collectstatic; its summary. Afterwards `requests` are those of this run."""
        self.requests.clear()
        self.at(release_id)
        return call_command("collectstatic", interactive=False, verbosity=1, **options)

    @property
    def storage(self) -> Any:
        return staticfiles_storage

    @property
    def destination(self) -> Bucket:
        return staticfiles_storage.destination

    @property
    def copy(self) -> Path:
        return Path(self.settings.BASE_DIR) / "staticfiles.json"

    def objects(self) -> dict[str, str]:
        """The bucket's keys and their ETags."""
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}

    def read(self, key: str) -> bytes:
        return self.server.client().get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def manifest(self, release_id: str) -> dict[str, Any] | None:
        key = f"{self.location}/.releases/{release_id}/staticfiles.json"
        return json.loads(self.read(key)) if key in self.objects() else None

    def uploads(self) -> list[str]:
        """The keys that the last run put."""
        return [request.partition(" ")[2] for request in self.requests if request.startswith(UPLOADS)]


@pytest.fixture
def site(server: Server, bucket_name: str, settings: Any, tmp_path: Path) -> Site:
    sources = tmp_path / "sources"
    sources.mkdir()
    settings.BASE_DIR = tmp_path
    settings.STATIC_URL = STATIC
    settings.STATICFILES_DIRS = [sources]
    site = Site(server, bucket_name, sources, settings)
    site.write(home__css="body { background: url(logo.svg) }", logo__svg="<svg/>", app__js="let release = 1;\n")
    return site
