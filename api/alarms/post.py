"""One POST to a judged destination: to the address that was judged, without redirects, bounded in time and size."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Final

import urllib3

from api.alarms.guard import Destination
from energy.errors import SendRefused, SendUnavailable

MOST_BYTES: Final = 65_536
"""Bytes read of an answer; what comes beyond is not looked at."""
_AGAIN: Final = {408, 425, 429}


def post(to: Destination, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> bytes:
    """Send `body`; the answer's first bytes. SendUnavailable to try again, SendRefused never."""
    port = "" if to.port == {"http": 80, "https": 443}[to.scheme] else f":{to.port}"
    name = f"[{to.host}]" if ":" in to.host else to.host
    sent = {"Host": name + port, "User-Agent": "jieneng", **headers}
    try:
        with _pool(to, timeout_s) as pool:
            answer = pool.urlopen("POST", to.target, body, sent, retries=False, redirect=False, preload_content=False)
            try:
                content = _read(answer, time.monotonic() + timeout_s)
            finally:
                answer.close()  # never drained: the receiver may go on for ever
    except urllib3.exceptions.HTTPError as exc:
        raise SendUnavailable(f"{to.host}: {type(exc).__name__}") from exc
    if 200 <= answer.status < 300:
        return content
    message = f"{to.host}: expected an answer 2xx, came {answer.status}"
    if answer.status >= 500 or answer.status in _AGAIN:
        raise SendUnavailable(message)
    raise SendRefused(message + (" (redirects are not followed)" if 300 <= answer.status < 400 else ""))


def _pool(to: Destination, timeout_s: float) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=timeout_s, read=timeout_s)
    if to.scheme == "http":
        return urllib3.HTTPConnectionPool(to.ip, to.port, timeout=timeout, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        to.ip,
        to.port,
        timeout=timeout,
        maxsize=1,
        ssl_context=ssl.create_default_context(),
        server_hostname=to.host,
        assert_hostname=to.host,
    )


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    content = b""
    while len(content) < MOST_BYTES:
        if time.monotonic() > deadline:
            raise SendUnavailable("the receiver answers too slowly")
        part = answer.read1(min(4096, MOST_BYTES - len(content)))
        if not part:
            break
        content += part
    return content
