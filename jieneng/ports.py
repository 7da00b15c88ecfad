"""Ports of an installation: those asked for, or the next free ones when the defaults are taken."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Final

from energy.errors import SettingsError
from energy.settings import Settings, variable

_KEYS: Final = ("mqtt", "port"), ("ingest", "http_port"), ("web", "port")
_TRIES: Final = 50


def settled(settings: Settings) -> tuple[Settings, list[str]]:
    """Settings with ports that can be listened on, and what was changed, in words.

    A port that the operator named is not moved: SettingsError says that it is taken. 0 becomes a real number, so
    that every process knows the same one.
    """
    notes: list[str] = []
    for group, key in _KEYS:
        part = getattr(settings, group)
        if group == "mqtt" and settings.mqtt.source == "broker":
            continue
        host = settings.ingest.http_host if group == "ingest" else part.host
        wanted = getattr(part, key)
        port = (
            wanted if wanted and _is_free(host, wanted) else _other(host, wanted, is_named=key in part.model_fields_set)
        )
        if port != wanted:
            notes.append(f"{group}.{key}: {port}" + (f" (port {wanted} is taken)" if wanted else ""))
            settings = settings.model_copy(update={group: part.model_copy(update={key: port})})
    return settings, notes


def apart(host: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """For each name the wanted port or the next free one (0: any), no two the same."""
    found: dict[str, int] = {}
    for name, port in wanted.items():
        free = port if port and _is_free(host, port) else _other(host, port, is_named=False)
        while free in found.values():
            free = _other(host, 0, is_named=False)
        found[name] = free
    return found


def is_loopback(host: str) -> bool:
    """True if only programs of this machine reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def environment(settings: Settings) -> dict[str, str]:
    """The ports as environment variables, for the processes started by us."""
    return {variable(f"{group}.{key}"): str(getattr(getattr(settings, group), key)) for group, key in _KEYS}


def _other(host: str, wanted: int, *, is_named: bool) -> int:
    if wanted and is_named:
        raise SettingsError(f"port {wanted} on {host} is taken: end what listens there, or set another port")
    candidates = range(wanted + 10, wanted + 10 + _TRIES) if wanted else (0,)
    for port in candidates:
        found = _bound(host, port)
        if found:
            return found
    raise SettingsError(f"no free port from {wanted} to {wanted + 10 + _TRIES} on {host}")


def _is_free(host: str, port: int) -> bool:
    return bool(_bound(host, port))


def _bound(host: str, port: int) -> int:
    """The port when it can be bound (0: one that the system chooses), else 0."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])
