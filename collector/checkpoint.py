"""Moves what was committed from the spool's log into its file, beside the commits.

SQLite by itself does this within one commit in fifty, and whoever waits for that acknowledgement waits for the fsync
of the whole file too: 35 ms instead of one. It still does, should this thread ever be too slow.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path
from typing import Final

_log = logging.getLogger(__name__)
_EVERY_S: Final = 1.0


class Checkpoints:
    """A thread with a connection of its own; it never holds up a commit."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the one under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        connection = sqlite3.connect(self._spool, isolation_level=None, check_same_thread=False)
        try:
            while not self._stop.wait(_EVERY_S):
                checkpoint(connection)
        finally:
            connection.close()


def checkpoint(connection: sqlite3.Connection) -> None:
    """Move what can be moved without waiting for anybody."""
    try:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error as exc:  # a full or broken disk: the next commit meets it too, and knows what to do
        _log.debug("the log of the spool stays as it is: %s", exc)
