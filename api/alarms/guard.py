"""Where an outgoing request may go: the name is looked up once, judged, and the address found is the one used.

A subscriber names a webhook, and our server calls it from inside the operator's network. So nothing that is not a
public address is called (promise P-42): not this machine, not the network around it, not a cloud's metadata service,
in whatever spelling, unless the operator allows the host by name in `alarms.allowed_hosts`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from energy.errors import SendRefused, SendUnavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
_PORTS: Final = {"http": 80, "https": 443}
_LONGEST: Final = 2000
_NAME: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Destination:
    """A judged destination: the connection goes to `ip`, whatever the name says later."""

    scheme: str
    host: str
    port: int
    ip: str
    target: str  # path and query


def lookup(host: str, port: int) -> Sequence[str]:
    """Addresses of a host, by the operating system."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def destination(url: str, *, allowed_hosts: Sequence[str] = (), resolve: Resolver = lookup) -> Destination:
    """Where a URL leads; SendRefused if our server must not go there, SendUnavailable if the name has no address."""
    if len(url) > _LONGEST or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise SendRefused("webhook: expected a plain ASCII http or https address without blanks")
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as exc:
        raise SendRefused(f"webhook: expected http://host/path or https://host/path: {exc}") from exc
    if parts.scheme not in _PORTS or parts.hostname is None:
        raise SendRefused(f"webhook: expected http or https, came {parts.scheme[:20] or 'nothing'!r}")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise SendRefused("webhook: expected an address without user name or password")
    host = parts.hostname.lower().rstrip(".")
    is_allowed = host in {allowed.lower() for allowed in allowed_hosts}
    if not is_allowed and (port < 1024 and port not in _PORTS.values()):
        raise SendRefused(f"webhook: expected port 80, 443 or one from 1024 on, came {port}")
    ip = _judged(host, _addresses(host, port, resolve), is_allowed=is_allowed)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme, host, port, ip, target)


def is_public(address: Address) -> bool:
    """True for an address of the public internet, also if it wraps another one."""
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return all(is_public(inner) for inner in _wrapped(address))


def _wrapped(address: Address) -> list[Address]:
    """IPv4 addresses that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64, compatible."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inner: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or address in _COMPATIBLE:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in inner if one is not None]


def _addresses(host: str, port: int, resolve: Resolver) -> list[Address]:
    literal = _literal(host)
    if literal is not None:
        return [literal]
    # `127.1`, `0x7f.1` and `2130706433` are names to us and addresses to the system's resolver.
    if not _NAME.fullmatch(host) or re.fullmatch(r"[0-9.]+|(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", host):
        raise SendRefused(f"webhook: expected a host name or a full IP address, came {host[:80]!r}")
    try:
        return [ipaddress.ip_address(text.partition("%")[0]) for text in resolve(host, port)]
    except OSError as exc:
        raise SendUnavailable(f"webhook: {host} has no address: {exc}") from exc


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _judged(host: str, found: Sequence[Address], *, is_allowed: bool) -> str:
    """The address to use. One that is not public spoils all: who mixes them means no good."""
    if not found:
        raise SendUnavailable(f"webhook: {host} has no address")
    if not is_allowed and not all(is_public(address) for address in found):
        raise SendRefused(
            f"webhook: {host} leads to an address that is not public; "
            "an operator may allow the host in `alarms.allowed_hosts`"
        )
    return str(found[0])
