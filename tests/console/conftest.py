"""One installation for all tests of the console; a test that changes something changes something of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.api.tree import planting as planting
from tests.api.tree import tree as tree
from tests.console.world import World, served


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("console")) as filled:
        yield filled


@pytest.fixture
def browser_of(world: World) -> Iterator[Callable[[str], httpx.Client]]:
    """A browser without JavaScript, signed in as a user."""
    opened: list[httpx.Client] = []

    def signed_in(user: str) -> httpx.Client:
        client = httpx.Client(base_url=world.url, headers={"Accept": "text/html"}, follow_redirects=True, timeout=30)
        opened.append(client)
        assert client.get(world.link(user)).status_code == 200
        return client

    yield signed_in
    for client in opened:
        client.close()


@pytest.fixture
def admin(browser_of: Callable[[str], httpx.Client]) -> httpx.Client:
    return browser_of("admin")
