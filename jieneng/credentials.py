"""Credentials of gateways: secrets in the registry, and in the password file of the broker where there is one."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from energy.registry import Registry
from energy.settings import Settings

_ROUNDS: Final = 1000
"""Enough, since these secrets are random and long; Mosquitto takes 101 by default."""


def issue(settings: Settings, registry: Registry, gateways: Iterable[str]) -> dict[str, str]:
    """New secrets by gateway, to be shown once; earlier ones end."""
    issued = {gateway: registry.issue_credential(gateway) for gateway in gateways}
    if settings.mqtt.broker_passwords is not None:
        admit(settings.mqtt.broker_passwords, issued)
    return issued


def revoke(settings: Settings, registry: Registry, gateway: str) -> None:
    """The gateway is let in no more; a connection that it holds to a broker lasts until it ends."""
    registry.revoke_credential(gateway)
    if settings.mqtt.broker_passwords is not None:
        _replace(settings.mqtt.broker_passwords, {gateway}, [])


def admit(file: Path, passwords: Mapping[str, str]) -> None:
    """Put users into Mosquitto's password file; it takes them when it is told to read its files again (SIGHUP)."""
    _replace(file, passwords.keys(), [f"{user}:{_hashed(password)}" for user, password in passwords.items()])


def _replace(file: Path, users: Collection[str], new_lines: Iterable[str]) -> None:
    """The file with other lines for these users, as a whole or not at all."""
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = file.read_text().splitlines() if file.exists() else []
        others = [line for line in lines if line.partition(":")[0] not in users]
        new = file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text("\n".join([*others, *new_lines, ""]))
        new.replace(file)


def _hashed(password: str) -> str:
    """As `mosquitto_passwd -H sha512-pbkdf2` writes it."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
