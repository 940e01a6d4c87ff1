"""A proxy to an S3 server that delays every response by a round trip and counts requests by kind."""

import asyncio
import threading
from collections import Counter
from functools import partial
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """A context manager for a TCP proxy in its own thread.

    It adds `round_trip` seconds: half to a request, half to its response, and a whole round trip to a new connection.
    `requests` counts LIST, GET, HEAD, PUT, POST and DELETE.
    """

    def __init__(self, upstream: str, round_trip: float = 0) -> None:
        address = urlsplit(upstream)
        self.upstream = (address.hostname or "127.0.0.1", address.port or 80)
        self.round_trip = round_trip
        self.requests: Counter[str] = Counter()
        self.endpoint = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        listening = self._loop.create_server(lambda: _Client(self, self._loop), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.endpoint = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class _Side(asyncio.Protocol):
    """One end of a connection. It forwards what it receives to the other end, with a delay and in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, delay: float) -> None:
        self.transport: asyncio.Transport
        self.other: asyncio.Transport | None = None
        self._loop = loop
        self._delay = delay
        self._last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.later("write", data)

    def connection_lost(self, error: Exception | None) -> None:
        self.later("close")

    def later(self, method: str, *arguments: bytes) -> None:
        """Call a method of the other end's transport."""
        if self.other is None:  # the client gave up before the connection was made
            return
        call = partial(getattr(self.other, method), *arguments)
        if not self._delay:
            call()
            return
        # A nanosecond apart, because timers with the same time have no order.
        self._last = max(self._loop.time() + self._delay, self._last + 1e-9)
        self._loop.call_at(self._last, call)


class _Client(_Side):
    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop, proxy.round_trip / 2)
        self._proxy = proxy
        self._waiting: list[bytes] | None = []
        self._head = b""
        self._body = 0  # remaining bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        # The handshake with a remote server takes a round trip.
        await asyncio.sleep(self._proxy.round_trip)
        server = _Side(self._loop, self._proxy.round_trip / 2)
        server.other = self.transport
        self.other, _ = await self._loop.create_connection(lambda: server, *self._proxy.upstream)
        waiting, self._waiting = self._waiting or [], None
        for data in waiting:
            super().data_received(data)

    def data_received(self, data: bytes) -> None:
        self._count(data)
        if self._waiting is None:
            super().data_received(data)
        else:
            self._waiting.append(data)

    def _count(self, data: bytes) -> None:
        while data:
            if self._body:
                taken = min(self._body, len(data))
                self._body -= taken
                data = data[taken:]
                continue
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            self._head = b""
            self._body = self._request(head.decode("latin-1").split("\r\n"))

    def _request(self, lines: list[str]) -> int:
        """Count it; the bytes of its body."""
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if "transfer-encoding" in headers:
            raise ValueError(f"{lines[0]} has no length")
        _, _, key = urlsplit(target).path.lstrip("/").partition("/")
        self._proxy.requests["LIST" if method == "GET" and not key else method] += 1
        return int(headers.get("content-length", 0))
