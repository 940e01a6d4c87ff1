"""HTTP requests whose paths are sent unchanged."""

import http.client
from dataclasses import dataclass

from tests.servers import DEADLINE


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def __getitem__(self, header: str) -> str:
        return ", ".join(self.headers.get_all(header, []))


def get(port: int, path: str, **headers: str) -> Answer:
    """The response to a GET request with exactly this path, and these headers, with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        # Not request(), which adds an Accept-Encoding of its own.
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def post(port: int, path: str, body: bytes) -> Answer:
    """The response to a POST request with a form."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()
