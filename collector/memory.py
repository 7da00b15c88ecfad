"""How the ingest process keeps its memory small."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

_ARENA_MAX: Final = -8  # M_ARENA_MAX of malloc.h


def share_one_arena() -> None:
    """Let all threads take memory from one arena, where the C library is glibc; call it before there are threads.

    Otherwise each thread keeps for itself what it needed for one moment. Little is lost: Python's threads take turns.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
