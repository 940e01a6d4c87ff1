"""An S3 server for tests: moto's; or Ceph with S3_SERVER=ceph, and always in CI."""

import fcntl
import json
import logging
import os
import pickle
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from tests.servers import free_port

RGW = Path(__file__).parent / "rgw.sh"


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
        """The environment of a project that publishes here, without the bucket."""
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
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=16),
        )

    def names(self, bucket: str) -> dict[str, str]:
        """What is in a bucket: keys and their ETags."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}

    def user(self, policy: dict[str, Any]) -> str:
        """Create a user with this policy. Returns their access key."""
        name = f"user{uuid.uuid4().hex[:8]}"
        root = os.environ.get("CEPH_ROOT")
        command = [*(["chroot", root] if root else []), "radosgw-admin", "-c", f"{self.data}/ceph.conf"]
        command += ["-n", "client.rgw", "user", "create", f"--uid={name}", f"--display-name={name}"]
        command += [f"--access-key={name}", f"--secret-key={name}s-secret"]
        subprocess.run(command, check=True, capture_output=True)
        self.client("iam").put_user_policy(UserName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
        return name


def start_ceph(owner: int, attempts: int = 3) -> Server:
    """One that runs until the process `owner` ends.

    Another process may take a port that was free a moment ago; then others are tried.
    """
    http, https, mon = free_port(), free_port(), free_port()
    data = f"/tmp/rgw-{uuid.uuid4().hex}"
    command = [str(RGW), "start", data, *map(str, (http, https, mon, owner))]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode == 0:
        authority = Path(os.environ.get("CEPH_ROOT", "") + data, "ca.pem")
        return Server(f"http://127.0.0.1:{http}", f"https://localhost:{https}", authority, data)
    log = Path(os.environ.get("CEPH_ROOT", "") + data, "start.log")
    said = log.read_text() if log.exists() else ""
    subprocess.run([RGW, "stop", data], check=False)
    if attempts == 1:
        pytest.fail(f"Ceph does not start:\n{done.stderr}\n{said}")
    return start_ceph(owner, attempts - 1)


def _shared_ceph(directory: Path, owner: int) -> Server:
    """One server for the whole test run, shared by all workers."""
    with open(directory / "rgw.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = directory / "rgw.pickle"
        if not started.exists():
            started.write_bytes(pickle.dumps(start_ceph(owner)))
        return pickle.loads(started.read_bytes())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Server]:
    if os.environ.get("CI") == "true" or os.environ.get("S3_SERVER") == "ceph":
        alone = worker_id == "master"
        base = tmp_path_factory.getbasetemp()
        yield _shared_ceph(base if alone else base.parent, os.getpid() if alone else os.getppid())
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
