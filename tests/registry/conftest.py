"""The registry's tests run on SQLite and, where it is installed, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from energy.registry import Registry
from tests.registry import postgresql


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql.running() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.db'}"
    server = request.getfixturevalue("postgresql_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return str(server)


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    opened = Registry.open(url, migrate=True)
    yield opened
    opened.close()


@pytest.fixture
def open_another(url: str) -> Iterator[Callable[[], Registry]]:
    """The same database once more, as another process would hold it."""
    opened: list[Registry] = []

    def open_() -> Registry:
        opened.append(Registry.open(url))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()
