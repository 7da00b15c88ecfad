"""The schema goes up, down and up again, and a process refuses another schema than its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from energy.errors import RegistryError, RegistryUnavailable, SchemaOutdated
from energy.registry import Registry, is_secret_of, migrate
from energy.registry.database import Database
from energy.registry.decision_tables import Base
from tests.registry.sample import sample

VERSIONS = Path(migrate.__file__).parent / "migrations"


def test_the_version_named_is_the_newest_migration() -> None:
    script = ScriptDirectory(str(VERSIONS))
    assert script.get_heads() == [migrate.HEAD]
    assert [revision.revision for revision in script.walk_revisions()] == sorted(
        (revision.revision for revision in script.walk_revisions()), reverse=True
    )


def test_migrations_make_the_tables_that_the_models_describe(url: str) -> None:
    Registry.open(url, migrate=True).close()
    database = Database(url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()


def test_down_and_up_again(url: str) -> None:
    Registry.open(url, migrate=True).close()
    database = Database(url)
    migrate.downgrade(database, "base")
    with pytest.raises(SchemaOutdated, match="has schema none, expected"):
        migrate.require_head(database)
    assert migrate.upgrade(database) is None
    migrate.require_head(database)
    database.close()


def test_data_survives_going_back_and_up_again(url: str) -> None:
    registry = Registry.open(url, migrate=True)
    registry.import_sheets(sample())
    secret = registry.issue_credential("g1")
    before = registry.export_sheets()
    registry.close()
    database = Database(url)
    migrate.downgrade(database, "0001")
    database.close()
    registry = Registry.open(url, migrate=True)
    assert registry.export_sheets() == before
    assert registry.revision() == 2
    assert is_secret_of(registry.snapshot().gateway_of("g1"), secret.encode())
    registry.close()


def test_a_copy_is_taken_before_an_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    registry = Registry.open(url, migrate=True)
    registry.import_sheets(sample())
    registry.close()
    database = Database(url)
    migrate.downgrade(database, "0001")
    copy = migrate.upgrade(database)
    assert copy is not None
    assert copy.parent == tmp_path
    assert copy.name.startswith("registry.db.0001-")
    assert migrate.upgrade(database) is None
    database.close()
    restored = Registry.open(f"sqlite:///{copy}", migrate=True)
    assert set(restored.snapshot().meters) == {"e0", "e1", "e2", "rest", "w0", "t0"}
    restored.close()


def test_a_missing_registry_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    file = tmp_path / "none.db"
    with pytest.raises(SchemaOutdated, match="does not exist yet: run `jieneng migrate`"):
        Registry.open(f"sqlite:///{file}")
    assert not file.exists()


def test_an_older_and_a_newer_schema_are_refused(url: str) -> None:
    Registry.open(url, migrate=True).close()
    _pretend(url, "0000")
    with pytest.raises(SchemaOutdated, match=r"has schema 0000, expected .* run `jieneng migrate`"):
        Registry.open(url)
    _pretend(url, "9999")
    with pytest.raises(SchemaOutdated, match="install a newer jieneng"):
        Registry.open(url)
    with pytest.raises(SchemaOutdated, match="newer than"):
        Registry.open(url, migrate=True)


def test_opening_twice_with_migrate_does_it_once(url: str) -> None:
    first = Registry.open(url, migrate=True)
    first.import_sheets(sample())
    second = Registry.open(url, migrate=True)
    assert second.revision() == 1
    assert second.export_sheets() == first.export_sheets()
    first.close()
    second.close()


def test_the_home_folder_is_made_for_a_new_registry(tmp_path: Path) -> None:
    Registry.open(f"sqlite:///{tmp_path / 'home' / 'deep' / 'registry.db'}", migrate=True).close()
    assert (tmp_path / "home" / "deep" / "registry.db").exists()


def test_sqlite_is_held_as_promised(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'r.db'}")
    with database.reading() as connection:
        kept = {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in _PRAGMAS}
    database.close()
    assert kept == _PRAGMAS


_PRAGMAS = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 30_000}


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "r.db").write_bytes(b"certainly not a database" * 100)
    with pytest.raises(RegistryError, match="file is not a database"):
        Registry.open(f"sqlite:///{tmp_path / 'r.db'}")


def test_a_database_that_is_down_is_worth_another_try_and_no_password_is_shown() -> None:
    with pytest.raises(RegistryUnavailable, match="try again") as caught:
        Registry.open("postgresql://jieneng:hush@127.0.0.1:1/x")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["registry.db", "oracle://x", "nothing://y"])
def test_an_impossible_url_names_the_setting(url: str) -> None:
    with pytest.raises(RegistryError, match=r"registry\.url: expected sqlite:///FILE or postgresql"):
        Registry.open(url)


def _pretend(url: str, version: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    database.close()
