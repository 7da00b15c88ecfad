"""Accounts: who may sign in, with which role, bound to which node of the tree; passwords and one-time entries.

A password is kept as argon2id, a one-time secret as SHA-256 (it is random, so nothing slow is needed). A refused
sign-in takes the same way and time whether the user exists or not, and so does the back-off after failures.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from threading import BoundedSemaphore
from typing import Any, Final, Literal

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection, delete, insert, select, update

from energy.errors import NotInRegistry, RegistryError, SignInDelayed, SignInRefused
from energy.model import is_id
from energy.registry.account_tables import ApiTokenRow, AttemptRow, EntryRow, SessionRow, UserRow
from energy.registry.database import Database, lock_counters
from energy.registry.tables import InstitutionRow, RegionRow

ENTRY_VALID_S: Final = 24 * 3600
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 128
FREE_FAILURES: Final = 5
LONGEST_WAIT_S: Final = 900
_FORGET_FAILURES_S: Final = 24 * 3600
_FREE_FAILURES_OF_ADDRESS: Final = 50

_hasher = PasswordHasher()  # argon2id, RFC 9106 second recommended set: 64 MiB, three passes
_at_once = BoundedSemaphore(2)  # a flood of sign-ins must cost waiting, not gigabytes


class Role(StrEnum):
    """What a user is there for; what each may do is said in one place, `api.scope`."""

    VIEWER = "viewer"
    ENERGY_MANAGER = "energy_manager"
    STATISTICIAN = "statistician"  # 统计员
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


NodeScope = Literal["root", "region", "institution"]


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the tree: the whole installation, a region or an institution, with all below it."""

    scope: NodeScope = "root"
    id: str = ""

    def __post_init__(self) -> None:
        if self.scope not in ("root", "region", "institution") or (self.scope == "root") != (self.id == ""):
            raise RegistryError(f"node: expected root, region CODE or institution ID, came {self.scope} {self.id!r}")


@dataclass(frozen=True, slots=True)
class User:
    """An account, without its secrets. `department` (主管部门) narrows the node to institutions that answer to it."""

    name: str
    role: Role
    node: Node
    department: str | None = None
    display: str = ""
    must_set_password: bool = False
    is_active: bool = True
    created: int = 0

    def __post_init__(self) -> None:
        if not is_id(self.name):
            raise RegistryError(f"user name: expected 1 to 64 of A-Z a-z 0-9 _ . -, came {self.name!r}")


class Accounts:
    """Users of one installation; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: User, *, now: int) -> None:
        """A new account without a password: hand out a `one_time_link` so that its owner can come in and set one."""
        with self._database.writing() as connection:
            lock_counters(connection)
            _require_node(connection, user.node)
            if _found(connection, user.name) is not None:
                raise RegistryError(f"user {user.name!r} exists already (names of removed users are not given again)")
            connection.execute(insert(UserRow).values(**_columns(user), password_hash=None, created=now))

    def users(self) -> list[User]:
        """Everybody who may sign in, by name."""
        with self._database.reading() as connection:
            return [_user(row) for row in connection.execute(_USERS.where(UserRow.is_active).order_by(UserRow.name))]

    def user(self, name: str) -> User:
        """One active account; NotInRegistry if there is none."""
        with self._database.reading() as connection:
            return _required(connection, name)

    def change(self, user: User) -> None:
        """Bring role, node, department and displayed name up to date; a change of rights ends all sessions."""
        with self._database.writing() as connection:
            lock_counters(connection)
            before = _required(connection, user.name)
            _require_node(connection, user.node)
            values = {
                k: v for k, v in _columns(user).items() if k in ("display", "role", "scope", "node", "department")
            }
            connection.execute(update(UserRow).where(UserRow.name == user.name).values(values))
            if (before.role, before.node, before.department) != (user.role, user.node, user.department):
                connection.execute(delete(SessionRow).where(SessionRow.user == user.name))

    def remove(self, name: str) -> None:
        """The user may not come in any more: sessions, tokens and links are void at once."""
        with self._database.writing() as connection:
            lock_counters(connection)
            _required(connection, name)
            for table in (SessionRow, ApiTokenRow, EntryRow):
                connection.execute(delete(table).where(table.user == name))
            gone = {"is_active": False, "password_hash": None}
            connection.execute(update(UserRow).where(UserRow.name == name).values(gone))

    def set_password(self, name: str, password: str) -> None:
        """Replace the password; RegistryError says what a password must be. Ends all sessions and one-time links."""
        _require_good(name, password)
        with _at_once:
            hashed = _hasher.hash(password)
        with self._database.writing() as connection:
            lock_counters(connection)
            _required(connection, name)
            values = {"password_hash": hashed, "must_set_password": False}
            connection.execute(update(UserRow).where(UserRow.name == name).values(values))
            for table in (SessionRow, EntryRow):
                connection.execute(delete(table).where(table.user == name))

    def one_time_link(self, name: str, *, now: int, valid_s: int = ENTRY_VALID_S) -> str:
        """A secret that signs the user in once: append it to `/enter/`, or type it in place of the password."""
        secret = secrets.token_urlsafe(32)
        with self._database.writing() as connection:
            lock_counters(connection)
            _required(connection, name)
            connection.execute(delete(EntryRow).where(EntryRow.expires <= now))
            row = {"token_sha256": sha256(secret), "user": name, "expires": now + valid_s}
            connection.execute(insert(EntryRow).values(row))
        return secret

    def enter(self, secret: str, *, now: int) -> User | None:
        """Whom a one-time link signs in; the link is used up. None for one that is unknown, used or expired."""
        with self._database.writing() as connection:
            lock_counters(connection)
            return _used_up(connection, secret, now)

    def sign_in(self, name: str, password: str, *, address: str, now: int) -> User:
        """The user of this name and password (or one-time secret).

        SignInRefused for anything wrong, SignInDelayed while there were too many failures for this name or address:
        both the same whether the user exists or not.
        """
        subjects = {_subject("user", name): FREE_FAILURES, _subject("address", address): _FREE_FAILURES_OF_ADDRESS}
        with self._database.reading() as connection:
            _require_patience(connection, subjects, now)
            row = connection.execute(select(UserRow.password_hash).where(UserRow.name == name)).one_or_none()
        nobody = _nobody()  # made for every first sign-in alike, so that its time tells nothing
        is_right = _verify(row[0] if row and row[0] else nobody, password)
        with self._database.writing() as connection:
            lock_counters(connection)
            _require_patience(connection, subjects, now)  # others may have failed while this one was verified
            user = _found(connection, name) if is_right else _used_up(connection, password, now, name)
            if user is None or not user.is_active:
                _count_failure(connection, subjects, now)
            else:
                connection.execute(delete(AttemptRow).where(AttemptRow.subject_sha256 == _subject("user", name)))
        if user is None or not user.is_active:
            raise SignInRefused("user name or password is wrong")
        return user


def sha256(secret: str) -> str:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def user_of(connection: Connection, name: str) -> User | None:
    """The active user of a name."""
    found = _found(connection, name)
    return found if found is not None and found.is_active else None


_USERS = select(
    UserRow.name, UserRow.role, UserRow.scope, UserRow.node, UserRow.department, UserRow.display,
    UserRow.must_set_password, UserRow.is_active, UserRow.created,
)  # fmt: skip


def _user(row: Any) -> User:
    return User(
        name=row.name,
        role=Role(row.role),
        node=Node(row.scope, row.node),
        department=row.department,
        display=row.display,
        must_set_password=bool(row.must_set_password),
        is_active=bool(row.is_active),
        created=row.created,
    )


def _columns(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "display": user.display,
        "role": user.role.value,
        "scope": user.node.scope,
        "node": user.node.id,
        "department": user.department,
        "must_set_password": user.must_set_password,
        "is_active": True,
    }


def _found(connection: Connection, name: str) -> User | None:
    row = connection.execute(_USERS.where(UserRow.name == name)).one_or_none()
    return None if row is None else _user(row)


def _required(connection: Connection, name: str) -> User:
    user = user_of(connection, name)
    if user is None:
        raise NotInRegistry(f"user {name!r} is not known")
    return user


def _require_node(connection: Connection, node: Node) -> None:
    known = {"region": RegionRow.code, "institution": InstitutionRow.id}
    if node.scope in known:
        column = known[node.scope]
        if connection.execute(select(column).where(column == node.id)).one_or_none() is None:
            raise NotInRegistry(f"{node.scope} {node.id!r} is not in the registry: import it first")


def _require_good(name: str, password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise RegistryError(
            f"password: expected {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, came {len(password)}"
        )
    if name.lower() in password.lower() or len(set(password)) < 5:
        raise RegistryError("password: expected one without the user name and of at least five different characters")


@cache
def _nobody() -> str:
    """A hash that no password has; made when the first user signs in, since it takes 64 MiB for a moment."""
    return _hasher.hash(secrets.token_urlsafe(32))


def _verify(hashed: str, password: str) -> bool:
    with _at_once:
        try:
            return _hasher.verify(hashed, password[: 4 * LONGEST_PASSWORD]) and hashed != _nobody()
        except VerificationError:
            return False


def _used_up(connection: Connection, secret: str, now: int, name: str | None = None) -> User | None:
    """The user a one-time secret lets in (only this one, if named); it works no second time."""
    row = connection.execute(select(EntryRow).where(EntryRow.token_sha256 == sha256(secret))).one_or_none()
    if row is None or (name is not None and row.user != name):
        return None
    connection.execute(delete(EntryRow).where(EntryRow.token_sha256 == row.token_sha256))
    return user_of(connection, row.user) if now < row.expires else None


def _subject(kind: str, name: str) -> str:
    return sha256(f"{kind}:{name.lower()}")


def _require_patience(connection: Connection, subjects: dict[str, int], now: int) -> None:
    rows = connection.execute(select(AttemptRow).where(AttemptRow.subject_sha256.in_(subjects)))
    until = [row.last + _wait_s(row.failures - subjects[row.subject_sha256]) for row in rows]
    if until and max(until) > now:
        raise SignInDelayed(max(until) - now)


def _wait_s(too_many: int) -> int:
    """No wait for the failures everybody makes; then 2 s, 4 s, 8 s ... up to a quarter of an hour."""
    return min(2 ** min(too_many + 1, 10), LONGEST_WAIT_S) if too_many >= 0 else 0


def _count_failure(connection: Connection, subjects: dict[str, int], now: int) -> None:
    connection.execute(delete(AttemptRow).where(AttemptRow.last < now - _FORGET_FAILURES_S))
    for subject in subjects:
        again = update(AttemptRow).where(AttemptRow.subject_sha256 == subject)
        if connection.execute(again.values(failures=AttemptRow.failures + 1, last=now)).rowcount == 0:
            connection.execute(insert(AttemptRow).values(subject_sha256=subject, failures=1, last=now))
