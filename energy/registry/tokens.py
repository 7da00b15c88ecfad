"""Tokens of programs: made here, shown once, kept as a hash, narrower than their owner, and gone when revoked."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, select, update

from energy.errors import NotInRegistry, RegistryError
from energy.registry.account_tables import ApiTokenRow
from energy.registry.accounts import Node, User, sha256, user_of
from energy.registry.database import Database, lock_counters

PREFIX: Final = "jn"
LONGEST_VALID_S: Final = 366 * 86_400
_BYTES: Final = 32  # 256 random bits
_NOTED_EVERY_S: Final = 60
_MOST_CHARACTERS: Final = 200  # longer texts are no token of ours


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without its secret. It may do what `actions` name and its owner may, within `node`."""

    id: str
    user: str
    label: str
    actions: tuple[str, ...]
    node: Node
    created: int
    expires: int
    last_used: int | None = None
    revoked: int | None = None


class Tokens:
    """Tokens of one installation; a revoked one fails with the next request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(
        self, user: str, label: str, *, actions: tuple[str, ...], node: Node, now: int, valid_s: int
    ) -> tuple[ApiToken, str]:
        """A new token and its text, which nobody can be shown again."""
        if not 0 < valid_s <= LONGEST_VALID_S:
            raise RegistryError(f"token: expected a validity up to {LONGEST_VALID_S} s, came {valid_s}")
        token = ApiToken(secrets.token_hex(6), user, label, actions, node, now, now + valid_s)
        secret = secrets.token_urlsafe(_BYTES)
        with self._database.writing() as connection:
            lock_counters(connection)
            if user_of(connection, user) is None:
                raise NotInRegistry(f"user {user!r} is not known")
            row = {
                "id": token.id, "token_sha256": sha256(secret), "user": user, "label": label,
                "actions": " ".join(actions), "scope": node.scope, "node": node.id,
                "created": now, "expires": token.expires,
            }  # fmt: skip
            connection.execute(insert(ApiTokenRow).values(row))
        return token, f"{PREFIX}_{token.id}_{secret}"

    def all(self, *, users: set[str]) -> list[ApiToken]:
        """Tokens of these users, revoked and expired ones too, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(ApiTokenRow).order_by(ApiTokenRow.created, ApiTokenRow.id))
            return [_token(row) for row in rows if row.user in users]

    def find(self, text: str, *, now: int) -> tuple[ApiToken, User] | None:
        """The token of a text and its owner; None if it is not one, is revoked, expired, or its owner is gone."""
        parts = text.split("_", 2)
        if len(text) > _MOST_CHARACTERS or len(parts) != 3 or parts[0] != PREFIX:
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(ApiTokenRow).where(ApiTokenRow.id == parts[1])).one_or_none()
            if row is None or not hmac.compare_digest(row.token_sha256, sha256(parts[2])):
                return None
            if row.revoked is not None or now >= row.expires:
                return None
            user = user_of(connection, row.user)
        if user is None:
            return None
        if row.last_used is None or now - row.last_used >= _NOTED_EVERY_S:
            with self._database.writing() as connection:
                connection.execute(update(ApiTokenRow).where(ApiTokenRow.id == row.id).values(last_used=now))
        return _token(row), user

    def revoke(self, identity: str, *, now: int) -> None:
        """The token is void from now on; NotInRegistry if there is none."""
        with self._database.writing() as connection:
            lock_counters(connection)
            row = update(ApiTokenRow).where(ApiTokenRow.id == identity, ApiTokenRow.revoked.is_(None))
            if connection.execute(row.values(revoked=now)).rowcount == 0:
                known = connection.execute(select(ApiTokenRow.id).where(ApiTokenRow.id == identity)).one_or_none()
                if known is None:
                    raise NotInRegistry(f"token {identity!r} is not known")


def _token(row: Any) -> ApiToken:
    return ApiToken(
        id=row.id,
        user=row.user,
        label=row.label,
        actions=tuple(row.actions.split()),
        node=Node(row.scope, row.node),
        created=row.created,
        expires=row.expires,
        last_used=row.last_used,
        revoked=row.revoked,
    )
