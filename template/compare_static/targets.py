"""Where the walk-through publishes to: a folder for each configuration on disk, a corner of a bucket for s3."""

import io
import json
import logging
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings

from compare_static.releases import Release
from compare_static.stores import Corner, Folder, Store
from release_static.errors import ReleaseStaticError

ON_DISK = ("default", "manifest", "custom")
_SETTINGS = "compare_static_settings"


@dataclass(frozen=True)
class Target:
    """One configuration: its name, the store that it publishes to, and variables of the environment that say so.

    `resolution` is the time, in seconds, within which two writes of a file look like one.
    """

    config: str
    store: Store
    variables: Mapping[str, str]
    resolution: float = 0

    def environ(self, release: Release) -> dict[str, str]:
        """The environment of a process of this release."""
        own = {
            "STATIC_CONFIG": self.config,
            "RELEASE_ID": release.id,
            "DJANGO_DEBUG": "",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {**os.environ, **self.variables, **own}


def failed(target: Target, what: str, errors: str) -> ReleaseStaticError:
    """`what` ended with `errors` on stderr."""
    said = "\n".join(f"  {line}" for line in errors.strip().splitlines()[-8:])
    return ReleaseStaticError(
        f"With STATIC_CONFIG={target.config}, {what} failed in a copy of this project:\n{said}\nMend that first. This "
        f"shows it too: STATIC_CONFIG={target.config} python manage.py collectstatic --dry-run --noinput"
    )


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def on_disk(public: Path) -> Iterator[list[Target]]:
    """One folder a configuration in `public`, which Python's own web server serves."""
    public.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(public))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield [_folder(config, public, f"http://127.0.0.1:{server.server_port}") for config in ON_DISK]
        finally:
            server.shutdown()


def _folder(config: str, public: Path, address: str) -> Target:
    root = public / f"static-{config}"
    return Target(config, Folder(root), {"STATIC_ROOT": str(root), "STATIC_URL": f"{address}/{root.name}/"})


@contextmanager
def in_bucket(releases: tuple[Release, ...]) -> Iterator[Target | None]:
    """A corner of the bucket in AWS_STORAGE_BUCKET_NAME, or else of one of moto's, if that is installed; or None.

    What is published there is removed in the end; what the site itself has published is not touched.
    """
    if os.environ.get("AWS_STORAGE_BUCKET_NAME"):
        with _corner(os.environ, releases) as target:
            yield target
        return
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        yield None
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with redirect_stdout(io.StringIO()):
        server.start()
    try:
        host, port = server.get_host_and_port()
        with _corner(_public_bucket(f"http://{host}:{port}"), releases) as target:
            yield target
    finally:
        server.stop()


@contextmanager
def _corner(variables: Mapping[str, str], releases: tuple[Release, ...]) -> Iterator[Target]:
    name = f"compare-static-{secrets.token_hex(4)}"
    for release in releases:
        (release.code / f"{_SETTINGS}.py").write_text(
            f"from {settings.SETTINGS_MODULE} import *\n"
            f'STATIC_URL = f"{{STATIC_URL}}{name}/"\n'
            f'STORAGES["staticfiles"]["OPTIONS"]["location"] += "/{name}"\n'
        )
    store = Corner(_client(variables), variables["AWS_STORAGE_BUCKET_NAME"], f"static/{name}")
    try:
        # S3 dates objects by the second.
        yield Target("s3", store, {**variables, "DJANGO_SETTINGS_MODULE": _SETTINGS}, resolution=1.1)
    finally:
        store.remove()


def _public_bucket(endpoint: str) -> dict[str, str]:
    """The variables of a new bucket on this server, whose `static/` everybody may read."""
    bucket = "compare-static"
    variables = {
        "AWS_S3_ENDPOINT_URL": endpoint,
        "AWS_STORAGE_BUCKET_NAME": bucket,
        "AWS_S3_REGION_NAME": "us-east-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "STATIC_URL": f"{endpoint}/{bucket}/static/",
    }
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [{**everybody, "Resource": f"arn:aws:s3:::{bucket}/static/*"}]}
    client = _client(variables)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return variables


def _client(variables: Mapping[str, str]) -> Any:
    import boto3

    from release_static import s3_settings

    bucket = s3_settings.bucket(variables)
    return boto3.client(
        "s3",
        endpoint_url=bucket["endpoint_url"],
        region_name=bucket["region_name"],
        config=bucket["client_config"],
        aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
    )
