"""A file of reserved disk space, given up when the disk is full so that the spool can still forget what was stored."""

from __future__ import annotations

import os
from pathlib import Path


class Ballast:
    """Disk space held back in one file."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @property
    def is_held(self) -> bool:
        """True while the whole reserve lies on the disk."""
        try:
            return self._path.stat().st_size >= self._size
        except FileNotFoundError:
            return self._size == 0

    def release(self) -> None:
        """Give the space back to the disk."""
        self._path.unlink(missing_ok=True)

    def hold(self) -> bool:
        """Reserve the space; False if the disk has no room for it."""
        if self.is_held:
            return True
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            self.release()
            return False
        return True
