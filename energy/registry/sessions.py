"""Sessions of browsers: opened at sign-in, ended by logout, idleness, age, or a change of rights."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, or_, select, update

from energy.registry.account_tables import SessionRow
from energy.registry.accounts import User, sha256, user_of
from energy.registry.database import Database, lock_counters

IDLE_S: Final = 30 * 60
LONGEST_S: Final = 12 * 3600
_NOTED_EVERY_S: Final = 60  # a page view must not cost a durable write


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `csrf` must come with everything it changes; it dies with the session."""

    user: User
    opened: int
    csrf: str


class Sessions:
    """Sessions of one installation; only the hash of a cookie is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, user: str, *, now: int, instead_of: str | None = None) -> str:
        """The cookie of a new session; `instead_of` (the cookie before sign-in) is void from now on."""
        cookie = secrets.token_urlsafe(32)
        with self._database.writing() as connection:
            lock_counters(connection)
            dead = or_(SessionRow.seen <= now - IDLE_S, SessionRow.opened <= now - LONGEST_S)
            connection.execute(delete(SessionRow).where(dead))
            if instead_of is not None:
                connection.execute(delete(SessionRow).where(SessionRow.token_sha256 == sha256(instead_of)))
            row = {"token_sha256": sha256(cookie), "user": user, "opened": now, "seen": now}
            connection.execute(insert(SessionRow).values(row))
        return cookie

    def find(self, cookie: str, *, now: int) -> Session | None:
        """The session of a cookie, kept alive by being asked for; None if it ended."""
        key = sha256(cookie)
        with self._database.reading() as connection:
            row = connection.execute(select(SessionRow).where(SessionRow.token_sha256 == key)).one_or_none()
            if row is None or now - row.seen >= IDLE_S or now - row.opened >= LONGEST_S:
                return None
            user = user_of(connection, row.user)
        if user is None:
            return None
        if now - row.seen >= _NOTED_EVERY_S:
            with self._database.writing() as connection:
                connection.execute(update(SessionRow).where(SessionRow.token_sha256 == key).values(seen=now))
        return Session(user, row.opened, csrf_of(cookie))

    def close(self, cookie: str) -> None:
        """Log out: the cookie is void, whoever has a copy of it."""
        with self._database.writing() as connection:
            connection.execute(delete(SessionRow).where(SessionRow.token_sha256 == sha256(cookie)))


def csrf_of(cookie: str) -> str:
    """What forms of a session carry: made from its cookie, so nothing more has to be kept."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()
