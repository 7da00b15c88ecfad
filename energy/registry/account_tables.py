"""The tables of who may come in: users, their sessions, tokens of programs, one-time links, failed sign-ins."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from energy.registry.tables import Base, Id, Key, refers


class UserRow(Base):
    """A person or program that may sign in. Never deleted: what they did names them."""

    __tablename__ = "users"
    name: Mapped[Key]
    display: Mapped[str]
    role: Mapped[str]
    scope: Mapped[str]
    node: Mapped[Id]
    department: Mapped[str | None]
    password_hash: Mapped[str | None]
    must_set_password: Mapped[bool]
    is_active: Mapped[bool]
    created: Mapped[int]


class SessionRow(Base):
    """A signed-in browser, by the hash of its cookie."""

    __tablename__ = "sessions"
    token_sha256: Mapped[Key]
    user: Mapped[str] = refers("users.name", index=True)
    opened: Mapped[int]
    seen: Mapped[int]


class ApiTokenRow(Base):
    """A token of a program: `id` is its visible part, of the secret only the hash is kept."""

    __tablename__ = "api_tokens"
    id: Mapped[Key]
    token_sha256: Mapped[str] = mapped_column(String(64))
    user: Mapped[str] = refers("users.name", index=True)
    label: Mapped[str]
    actions: Mapped[str]
    scope: Mapped[str]
    node: Mapped[Id]
    created: Mapped[int]
    expires: Mapped[int]
    last_used: Mapped[int | None]
    revoked: Mapped[int | None]


class EntryRow(Base):
    """A one-time secret or link that signs a user in, once."""

    __tablename__ = "entries"
    token_sha256: Mapped[Key]
    user: Mapped[str] = refers("users.name", index=True)
    expires: Mapped[int]


class AttemptRow(Base):
    """Failed sign-ins by the hash of what was named (a user, known or not, or an address)."""

    __tablename__ = "attempts"
    subject_sha256: Mapped[Key]
    failures: Mapped[int]
    last: Mapped[int]
