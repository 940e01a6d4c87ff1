"""Where the walk-through publishes to: a folder on disk for each configuration, a temporary folder in a bucket for s3."""

import io
import logging
import os
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
from compare_static.stores import Folder, Store
from release_static.errors import ReleaseStaticError

ON_DISK = ("default", "manifest", "custom")
_SETTINGS = "compare_static_settings"


@dataclass(frozen=True)
class Target:
    """One configuration: its name, the store that it publishes to, and the environment variables for it.

    `resolution` is the time, in seconds, within which two writes of a file cannot be told apart.
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
        f"With STATIC_CONFIG={target.config}, {what} failed in a copy of this project:\n{said}\nFix that first. To reproduce it, run: "
        f"shows it too: STATIC_CONFIG={target.config} python manage.py collectstatic --dry-run --noinput"
    )


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def on_disk(public: Path) -> Iterator[list[Target]]:
    """One folder per configuration in `public`, served by Python's own web server."""
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
    """A folder in the bucket AWS_STORAGE_BUCKET_NAME, or in a bucket of moto if it is installed, or None."""
    # boto3 is slow to import, and web processes import this module too.
    from compare_static.corner import corner

    with _bucket() as variables:
        if variables is None:
            yield None
            return
        with corner(variables) as store:
            for release in releases:
                (release.code / f"{_SETTINGS}.py").write_text(
                    f"from {settings.SETTINGS_MODULE} import *\n"
                    f'STATIC_URL = f"{{STATIC_URL}}{store.name}/"\n'
                    f'STORAGES["staticfiles"]["OPTIONS"]["location"] += "/{store.name}"\n'
                )
            # Time stamps of objects in S3 are in seconds.
            yield Target("s3", store, {**variables, "DJANGO_SETTINGS_MODULE": _SETTINGS}, resolution=1.1)


@contextmanager
def _bucket() -> Iterator[Mapping[str, str] | None]:
    """The environment variables that set the bucket."""
    if os.environ.get("AWS_STORAGE_BUCKET_NAME"):
        yield os.environ
        return
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        yield None
        return
    from compare_static.corner import public_bucket

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with redirect_stdout(io.StringIO()):
        server.start()
    try:
        host, port = server.get_host_and_port()
        yield public_bucket(f"http://{host}:{port}")
    finally:
        server.stop()
