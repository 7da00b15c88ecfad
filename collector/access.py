"""Who may push readings over HTTP and see what was parked, where no other rule is handed in."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping

from energy.registry import Gateway, is_secret_of
from energy.settings import Settings

Authorize = Callable[[str | None, str, str], bool]
"""(Authorization header, "push" | "parked", gateway or "") -> may the caller do this?"""


class Trust:
    """Gateways push with their credential; the parked are open to this machine alone."""

    def __init__(self, settings: Settings, gateways: Callable[[], Mapping[str, Gateway]]) -> None:
        self._gateways = gateways
        self._require = settings.mqtt.require_credentials
        self._is_local = _is_loopback(settings.ingest.http_host)

    def __call__(self, authorization: str | None, action: str, gateway: str) -> bool:
        """True if the caller may do this."""
        if action != "push":
            return self._is_local
        known = self._gateways().get(gateway)
        if not self._require or known is None:  # an unknown gateway is answered by the route
            return not self._require
        given = basic_credentials(authorization)
        return given is not None and given[0] == gateway and is_secret_of(known, given[1])


def basic_credentials(header: str | None) -> tuple[str, bytes] | None:
    """User and password of a Basic Authorization header; None if it holds none."""
    kind, _, text = (header or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(text, validate=True).partition(b":")
        return (user.decode("ascii"), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
