"""Whether a process is there to serve, asked from outside."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Callable

Probe = Callable[[], bool]


def answers(url: str) -> Probe:
    """True when the page is there."""

    def is_there() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 -- an address of our own settings
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return is_there


def listens(host: str, port: int) -> Probe:
    """True when the port takes connections."""

    def is_taken() -> bool:
        with socket.socket() as probe:
            probe.settimeout(2)
            return probe.connect_ex((host, port)) == 0

    return is_taken
