"""One POST to a judged destination: to the address that was judged, without redirects, bounded in time and size."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from api.alarms.guard import Destination
from energy.errors import SendRefused, SendUnavailable

MOST_BYTES: Final = 65_536
"""Bytes read of an answer; what comes beyond is not looked at."""
_AGAIN: Final = {408, 425, 429}


def post(to: Destination, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> bytes:
    """Send `body`; the answer's first bytes. SendUnavailable to try again, SendRefused never.

    The status alone says whether the receiver took it: what it says besides may break off.
    """
    port = "" if to.port == {"http": 80, "https": 443}[to.scheme] else f":{to.port}"
    name = f"[{to.host}]" if ":" in to.host else to.host
    sent = {"Host": name + port, "User-Agent": "jieneng", **headers}
    connection = _connection(to, timeout_s)
    limit = _Limit(connection, 2 * timeout_s)
    try:
        connection.request("POST", to.target, body, sent, preload_content=False)
        answer = connection.getresponse()
        content = _read(answer)
    except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as exc:
        what = "the receiver answers too slowly" if limit.is_over else type(exc).__name__
        raise SendUnavailable(f"{to.host}: {what}") from exc
    finally:
        limit.lift()
        connection.close()  # never drained: the receiver may go on for ever
    if 200 <= answer.status < 300:
        return content
    message = f"{to.host}: expected an answer 2xx, came {answer.status}"
    if answer.status >= 500 or answer.status in _AGAIN:
        raise SendUnavailable(message)
    raise SendRefused(message + (" (redirects are not followed)" if 300 <= answer.status < 400 else ""))


def _connection(to: Destination, timeout_s: float) -> HTTPConnection:
    if to.scheme == "http":
        return HTTPConnection(to.ip, to.port, timeout=timeout_s)
    return HTTPSConnection(
        to.ip,
        to.port,
        timeout=timeout_s,
        ssl_context=ssl.create_default_context(),
        server_hostname=to.host,
        assert_hostname=to.host,
    )


class _Limit:
    """Cuts the connection when all together took too long: a timeout of the socket counts from the last byte."""

    def __init__(self, connection: HTTPConnection, seconds: float) -> None:
        self._connection = connection
        self.is_over = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _cut(self) -> None:
        self.is_over = True
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def lift(self) -> None:
        """The exchange is over."""
        self._timer.cancel()


def _read(answer: urllib3.BaseHTTPResponse) -> bytes:
    content = b""
    with suppress(urllib3.exceptions.HTTPError, HTTPException, OSError):
        while len(content) < MOST_BYTES and (part := answer.read1(min(4096, MOST_BYTES - len(content)))):
            content += part
    return content
