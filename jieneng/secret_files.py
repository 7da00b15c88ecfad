"""Files that hold one secret each: made once, readable by their owner only."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def kept(path: Path, make: Callable[[], str] = new_secret) -> str:
    """The secret in the file; made, written with mode 0600 and given where there is no such file yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = make()
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
                new.write(secret)
        except FileExistsError:
            pass  # another process was quicker
    return path.read_text().strip()
