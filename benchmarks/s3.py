"""Publishing to an S3 server."""

import os
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from benchmarks.peers import ENHANCED, IN_A_BUCKET, STORAGES
from benchmarks.places import in_bucket
from benchmarks.proxy import Proxy
from benchmarks.scenarios import FIRST, UNCHANGED, compare, describe
from benchmarks.works import WORKS
from tests.s3.server import Server, start_ceph

_REPEAT = {"few": 1, "admin": 9, "apps": 5}
# They take minutes.
_ONLY_SMALL = {"apps": (STORAGES, ENHANCED)}


def server(endpoint: str) -> Server:
    """The server at this URL, or a new one. Raises ValueError if the URL is invalid or does not respond."""
    if endpoint:
        _check(endpoint)
    started = Server(endpoint) if endpoint else start_ceph(os.getpid())
    os.environ.setdefault("AWS_ACCESS_KEY_ID", started.key)
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", started.secret)
    return started


def _check(endpoint: str) -> None:
    address = urlsplit(endpoint)
    if address.scheme != "http" or not address.hostname:  # so that the proxy can count requests
        raise ValueError(f"--endpoint is {endpoint}: write it as http://127.0.0.1:9000")
    try:
        socket.create_connection((address.hostname, address.port or 80), timeout=10).close()
    except OSError as error:
        raise ValueError(f"--endpoint is {endpoint}, which does not respond: {error}") from error


def measure(works: list[str], endpoint: str, milliseconds: int = 30) -> Iterator[dict[str, Any]]:
    with Proxy(endpoint, milliseconds / 1000) as proxy:
        for name in works:
            about = {"section": "s3"} | describe(WORKS[name]) | {"milliseconds": milliseconds}
            slow = _ONLY_SMALL.get(name, ())
            peers = tuple(peer for peer in IN_A_BUCKET if not peer.missing and peer.name not in slow)
            place = partial(in_bucket, endpoint, proxy.endpoint)
            repeat = _REPEAT[name]
            for record in compare(peers, place, WORKS[name], (FIRST, UNCHANGED), repeat, proxy, patience=15):
                yield about | record
