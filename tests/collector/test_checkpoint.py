"""What was committed gets from the log into the file, without the writer."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from collector.checkpoint import Checkpoints, checkpoint
from collector.spool import Group, Spool
from energy.settings import IngestSettings
from tests.collector.world import until


def _taken(path: Path) -> int:
    """The counter as it lies in the file alone: `immutable` makes SQLite overlook the log."""
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return 0
        return int(connection.execute("SELECT total(n) FROM counter WHERE name = 'taken'").fetchone()[0])
    finally:
        connection.close()


def test_what_was_committed_gets_into_the_file_while_the_writer_lives(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path, IngestSettings(spool_ballast_bytes=0))
    checkpoints = Checkpoints(spool.path)
    checkpoints.start()
    spool.commit(Group(counts=Counter(taken=5)))
    assert _taken(spool.path) == 0
    until(lambda: _taken(spool.path) == 5)
    checkpoints.stop()
    spool.close()


def test_a_file_that_is_none_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(b"no database" * 1000)
    connection = sqlite3.connect(path)
    checkpoint(connection)
    connection.close()
    assert path.read_bytes() == b"no database" * 1000
