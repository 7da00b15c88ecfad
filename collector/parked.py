"""Messages and readings set aside with a reason: seen, counted, and sent again after the cause is mended.

They lie in the spool's file, so that one commit covers a message whatever became of its parts. The same part parked
again raises a count. Bodies are bounded: the oldest are given up first; counters never are.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from energy.model import Reason

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS parked (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, reason TEXT NOT NULL, topic TEXT NOT NULL,
    gateway TEXT NOT NULL, meter TEXT NOT NULL, n INTEGER NOT NULL, detail TEXT NOT NULL, body BLOB,
    truncated INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS parked_last ON parked (last, id);
"""
MOST_ROWS: Final = 200_000
_TELLING: Final = 2_000  # parked parts that are asked how far ahead a clock is
_TRIM: Final = 500  # rows trimmed at once
_SELECT: Final = "SELECT id, reason, topic, gateway, meter, n, detail, body, truncated, first, last FROM parked"


@dataclass(frozen=True, slots=True)
class Parked:
    """One thing set aside. `count` is in readings; an undecodable message counts once."""

    reason: Reason
    topic: str
    gateway: str
    meter: str
    count: int
    detail: str
    body: bytes | None
    first: int
    last: int
    is_truncated: bool = False
    id: int = 0

    @property
    def key(self) -> bytes:
        """Equal for the same thing parked again."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.reason, self.topic, self.meter):
            digest.update(part.encode("utf-8", "backslashreplace") + b"\0")
        digest.update(self.body or b"")
        return digest.digest()

    @property
    def is_replayable(self) -> bool:
        """True while the whole body is kept."""
        return self.body is not None and not self.is_truncated


def insert(connection: sqlite3.Connection, rows: Iterable[Parked], body_bytes: int) -> None:
    """Park within the caller's transaction."""
    connection.executemany(
        "INSERT INTO parked (key, reason, topic, gateway, meter, n, detail, body, truncated, first, last)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO UPDATE SET"
        " n = n + excluded.n, last = max(last, excluded.last), detail = excluded.detail",
        (_row(row, body_bytes) for row in rows),
    )


def _row(row: Parked, body_bytes: int) -> tuple[object, ...]:
    body, truncated = None, row.is_truncated
    if row.body is not None:
        body = zlib.compress(row.body, 1)
        if len(body) > body_bytes:
            body, truncated = zlib.compress(row.body[:body_bytes], 1), True
    texts = (row.topic, row.gateway, row.meter, row.detail)
    topic, gateway, meter, detail = (text.encode("utf-8", "backslashreplace").decode()[:1000] for text in texts)
    counts = (row.count, detail, body, truncated, row.first, row.last)
    return (row.key, row.reason.value, topic, gateway, meter, *counts)


def trim(connection: sqlite3.Connection, quota_bytes: int) -> int:
    """Give up the oldest bodies beyond the quota and the oldest rows beyond `MOST_ROWS`; returns rows touched."""
    held, rows = connection.execute("SELECT coalesce(sum(length(body)), 0), count(*) FROM parked").fetchone()
    touched = 0
    if rows > MOST_ROWS:
        touched += connection.execute(
            "DELETE FROM parked WHERE id IN (SELECT id FROM parked ORDER BY last, id LIMIT ?)",
            (max(_TRIM, rows - MOST_ROWS),),
        ).rowcount
    while held > quota_bytes:
        oldest = connection.execute(
            "SELECT id, length(body) FROM parked WHERE body IS NOT NULL ORDER BY last, id LIMIT ?", (_TRIM,)
        ).fetchall()
        if not oldest:
            break
        for identity, size in oldest:
            if held <= quota_bytes:
                break
            connection.execute("UPDATE parked SET body = NULL, truncated = 1 WHERE id = ?", (identity,))
            held -= size
            touched += 1
    return touched


def drop(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Take out what was sent again, within the transaction that takes it."""
    connection.executemany("DELETE FROM parked WHERE id = ?", [(identity,) for identity in ids])


def find(
    connection: sqlite3.Connection,
    *,
    reason: str | None = None,
    gateway: str | None = None,
    ids: Sequence[int] | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Parked]:
    """Parked things with an id above `after`, by id."""
    if ids is not None:
        rows = [row for i in ids for row in connection.execute(f"{_SELECT} WHERE id = ?", (i,))]
        return [_parked(row) for row in rows]
    rows = connection.execute(
        f"{_SELECT} WHERE id > :after AND (:reason IS NULL OR reason = :reason)"
        " AND (:gateway IS NULL OR gateway = :gateway) ORDER BY id LIMIT :limit",
        {"after": after, "reason": reason, "gateway": gateway, "limit": limit},
    ).fetchall()
    return [_parked(row) for row in rows]


def counts(connection: sqlite3.Connection, since: int) -> list[tuple[str, str, int]]:
    """(gateway, reason, readings) of what lies parked and was last seen since an instant."""
    return connection.execute(
        "SELECT gateway, reason, sum(n) FROM parked WHERE last >= ? GROUP BY gateway, reason", (since,)
    ).fetchall()


def ahead_of_us(connection: sqlite3.Connection, since: int) -> list[tuple[str, int, bytes]]:
    """(gateway, when it came, body) of what was last parked since an instant for lying in the future."""
    rows = connection.execute(
        "SELECT gateway, first, body FROM parked WHERE last >= ? AND reason = ? AND body IS NOT NULL AND NOT truncated"
        " ORDER BY last DESC LIMIT ?",
        (since, Reason.CLOCK_FUTURE, _TELLING),
    )
    return [(gateway, first, zlib.decompress(body)) for gateway, first, body in rows]


def _parked(row: tuple[object, ...]) -> Parked:
    identity, reason, topic, gateway, meter, n, detail, body, truncated, first, last = row
    assert isinstance(identity, int)
    assert isinstance(n, int)
    assert isinstance(first, int)
    assert isinstance(last, int)
    text = zlib.decompress(body) if isinstance(body, bytes) else None
    return Parked(
        Reason(str(reason)), str(topic), str(gateway), str(meter), n, str(detail), text, first, last,
        bool(truncated), identity,
    )  # fmt: skip
