"""Credentials of gateways: made here, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from energy.registry.rows import Gateway

_BYTES: Final = 32  # 256 random bits: nothing a plain SHA-256 would have to be slow for


def new_secret() -> str:
    """A fresh secret of letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_BYTES)


def secret_hash(secret: bytes) -> str:
    """What the registry keeps of a secret."""
    return hashlib.sha256(secret).hexdigest()


def is_secret_of(gateway: Gateway, secret: bytes) -> bool:
    """True if this is the secret issued to the gateway; takes the same time for right and wrong ones."""
    if gateway.secret_sha256 is None:
        return False
    return hmac.compare_digest(secret_hash(secret), gateway.secret_sha256)
