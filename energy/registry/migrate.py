"""Schema versions: refuse a database of another version, or bring it up after taking a copy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import Connection, inspect, text

from energy.errors import RegistryError, SchemaOutdated
from energy.registry.database import Database

HEAD: Final = "0011"
"""The version this program speaks; the migration of this name is the newest (a test holds the two together)."""

_LOCK: Final = 0x6A69656E  # any number, the same in every process: PostgreSQL's lock against two upgrades at once


def current(connection: Connection) -> str | None:
    """The schema version of a database, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def require_head(database: Database) -> None:
    """SchemaOutdated unless the database has exactly this program's schema. Never creates a file."""
    if database.is_sqlite and database.file is not None and not database.file.exists():
        raise SchemaOutdated(f"registry {database.name} does not exist yet: run `jieneng migrate`")
    with database.reading() as connection:
        found = current(connection)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise SchemaOutdated(
            f"registry {database.name} has schema {found}, this program knows up to {HEAD}: install a newer jieneng"
        )
    raise SchemaOutdated(
        f"registry {database.name} has schema {found or 'none'}, expected {HEAD}: run `jieneng migrate`"
    )


def upgrade(database: Database) -> Path | None:
    """Bring the database to this program's schema, all or nothing; returns the copy taken of a SQLite file before."""
    if database.file is not None:
        database.file.parent.mkdir(parents=True, exist_ok=True)
    copy = _copy_if_outdated(database)
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        found = current(connection)
        if found is not None and found > HEAD:
            raise SchemaOutdated(f"registry {database.name} has schema {found}, newer than {HEAD} of this program")
        if found != HEAD:
            _alembic("upgrade", connection, "head")
    return copy


def downgrade(database: Database, version: str) -> None:
    """Back to an older schema ("base" = empty); what newer columns held is lost."""
    with database.writing() as connection:
        _alembic("downgrade", connection, version)


def _copy_if_outdated(database: Database) -> Path | None:
    if database.file is None or not database.file.exists():
        return None
    with database.reading() as connection:
        found = current(connection)
    if found is None or found == HEAD:
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    copy = database.file.with_name(f"{database.file.name}.{found}-{stamp}")
    # VACUUM INTO writes one consistent file, whatever other processes do; it is not allowed inside a transaction.
    raw = database.engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM INTO ?", (str(copy),))
    except Exception as exc:
        raise RegistryError(
            f"registry {database.name}: no copy could be written to {copy}, so nothing was changed: {exc}"
        ) from exc
    finally:
        raw.close()
    return copy


def _alembic(verb: Literal["upgrade", "downgrade"], connection: Connection, version: str) -> None:
    """Let Alembic do it; imported here, since the ingest process counts its memory and only asks for the version."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    {"upgrade": command.upgrade, "downgrade": command.downgrade}[verb](config, version)
