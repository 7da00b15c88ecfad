"""Files that prove something: kept under the home folder by names the server makes, limited in size and kind."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from api.problems import Problem

MOST_BYTES: Final = 10_000_000
KINDS: Final = {
    ".pdf": ("application/pdf", b"%PDF-"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04"),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"),
}
"""Kinds taken by the end of their name: media type, and how the content begins."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A file that was stored."""

    name: str
    stored: str
    n_bytes: int
    sha256: str


def keep(folder: Path, name: str, content: bytes) -> Proof:
    """Store a file durably under a new name; Problem (413, 422) where it is too large, empty or of another kind."""
    last = PurePath(name.replace("\\", "/")).name
    shown = "".join(character for character in last if character.isprintable())[:120] or "file"
    ending = PurePath(shown).suffix.lower()
    if len(content) > MOST_BYTES:
        raise Problem(413, "too large", f"file {shown}: expected at most {MOST_BYTES // 1_000_000} MB")
    if ending not in KINDS or not content.startswith(KINDS[ending][1]):
        raise Problem(422, "refused", f"file {shown}: expected content of one of {', '.join(KINDS)}")
    stored = f"{secrets.token_hex(16)}{ending}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / stored).open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Proof(shown, stored, len(content), hashlib.sha256(content).hexdigest())


def media_type(stored: str) -> str:
    """Media type of a stored file."""
    return KINDS[PurePath(stored).suffix][0]
