"""Publishing to an S3 server, at several distances."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measure import best, run
from benchmarks.peers import BOTO3, IN_A_BUCKET, OURS, STORAGES_PER_RELEASE, Peer, among
from benchmarks.places import in_bucket
from benchmarks.proxy import Proxy
from benchmarks.scenarios import CHANGED, FIRST, SCENARIOS, UNCHANGED, compare, describe
from benchmarks.works import WORKS, synthetic
from tests.s3.server import Server, start_ceph

MILLISECONDS = (0, 30, 100)
_REPEAT = {"few": 1, "admin": 3, "apps": 3, "npm": 1}


def server(endpoint: str) -> Server:
    """The one at this address, or one of its own. Raises ValueError if this is no address of one that answers."""
    if endpoint:
        _check(endpoint)
    started = Server(endpoint) if endpoint else start_ceph(os.getpid())
    os.environ.setdefault("AWS_ACCESS_KEY_ID", started.key)
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", started.secret)
    return started


def _check(endpoint: str) -> None:
    address = urlsplit(endpoint)
    if address.scheme != "http" or not address.hostname:  # which the proxy can count requests of
        raise ValueError(f"--endpoint is {endpoint}: write it as http://127.0.0.1:9000")
    try:
        socket.create_connection((address.hostname, address.port or 80), timeout=10).close()
    except OSError as error:
        raise ValueError(f"--endpoint is {endpoint}, and nothing answers there: {error}") from error


def measure(works: list[str], endpoint: str, milliseconds: tuple[int, ...] = MILLISECONDS) -> Iterator[dict[str, Any]]:
    for name in works:
        about = {"section": "s3"} | describe(WORKS[name])
        small = name in ("few", "admin")
        for distance in milliseconds if small else (30,):
            peers = tuple(peer for peer in IN_A_BUCKET if not peer.missing and _takes_part(peer, name, distance))
            scenarios = SCENARIOS if small and distance < 100 else (FIRST, UNCHANGED)
            with Proxy(endpoint, distance / 1000) as proxy:
                place = partial(in_bucket, endpoint, proxy.endpoint)
                for record in compare(peers, place, WORKS[name], scenarios, _REPEAT[name], proxy, patience=10):
                    yield about | {"milliseconds": distance} | record


def _takes_part(peer: Peer, work: str, distance: int) -> bool:
    # It makes the requests of django-storages.
    return peer.name != STORAGES_PER_RELEASE or (work, distance) == ("admin", 30)


def growth(sizes: list[int], endpoint: str) -> Iterator[dict[str, Any]]:
    peers = among(IN_A_BUCKET, OURS, BOTO3)
    with Proxy(endpoint, 0.03) as proxy:
        for files in sizes:
            place = partial(in_bucket, endpoint, proxy.endpoint)
            for record in compare(peers, place, synthetic(files), (FIRST, UNCHANGED), 1, proxy):
                yield {"section": "growth", "work": "s3", "files": files} | record


def past(releases: int, endpoint: str) -> Iterator[dict[str, Any]]:
    work = WORKS["admin"]
    [peer] = among(IN_A_BUCKET, OURS)
    with Proxy(endpoint, 0.03) as distant, in_bucket(endpoint) as place:
        away = replace(place, endpoint=distant.endpoint)
        work.check_out(place.checkout)
        runs = []
        for number in range(1, releases + 1):
            work.change(place.checkout, f"release {number}")
            if number in range(2, 5) or number > releases - 3:
                runs.append(run(peer, away, f"release-{number}", distant))
            else:
                run(peer, place, f"release-{number}")
        for before, some in ((1, runs[:3]), (releases - 3, runs[-3:])):
            about = {"section": "past releases", "work": "s3", "releases": before, "milliseconds": 30}
            yield about | {"scenario": CHANGED, "peer": peer.name} | best(some)
