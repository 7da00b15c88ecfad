"""A part that was started by `jieneng up` must not outlive it, however `up` ended."""

from __future__ import annotations

import os
import signal
import sys
import threading


def stop_when_input_ends() -> None:
    """Ask this process to stop when its standard input is closed: the supervisor holds the other end."""
    threading.Thread(target=_wait, name="parent", daemon=True).start()


def _wait() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
