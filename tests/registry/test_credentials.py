"""A gateway's secret is shown once; the registry keeps its hash."""

from __future__ import annotations

import hashlib

import pytest

from energy.errors import NotInRegistry
from energy.registry import Registry, is_secret_of
from tests.registry.sample import sample


@pytest.fixture
def stocked(registry: Registry) -> Registry:
    registry.import_sheets(sample())
    return registry


def test_only_the_issued_secret_opens(stocked: Registry) -> None:
    secret = stocked.issue_credential("g1")
    gateway = stocked.snapshot().gateway_of("g1")
    assert gateway.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert is_secret_of(gateway, secret.encode())
    assert not is_secret_of(gateway, b"")
    assert not is_secret_of(gateway, secret.encode() + b"x")
    assert not is_secret_of(stocked.snapshot().gateway_of("g2"), secret.encode())


def test_a_new_secret_ends_the_old_one_at_once(stocked: Registry) -> None:
    before = stocked.revision()
    old, new = stocked.issue_credential("g1"), stocked.issue_credential("g1")
    assert stocked.revision() == before + 2
    gateway = stocked.snapshot().gateway_of("g1")
    assert (is_secret_of(gateway, old.encode()), is_secret_of(gateway, new.encode())) == (False, True)
    stocked.revoke_credential("g1")
    assert not is_secret_of(stocked.snapshot().gateway_of("g1"), new.encode())


def test_the_gateways_alone_bear_the_credentials_of_the_snapshot(stocked: Registry) -> None:
    secret = stocked.issue_credential("g1")
    assert is_secret_of(stocked.gateways()["g1"], secret.encode())
    assert stocked.gateways() == stocked.snapshot().gateways


def test_a_credential_needs_a_gateway(stocked: Registry) -> None:
    with pytest.raises(NotInRegistry, match="gateway 'nobody' is not in the registry: import it first"):
        stocked.issue_credential("nobody")


def test_an_import_neither_shows_nor_ends_a_credential(stocked: Registry) -> None:
    secret = stocked.issue_credential("g1")
    exported = stocked.export_sheets()
    assert secret not in str(exported)
    assert hashlib.sha256(secret.encode()).hexdigest() not in str(exported)
    stocked.import_sheets({"gateways": [{"id": "g1", "name_zh": "新名"}]})
    assert is_secret_of(stocked.snapshot().gateway_of("g1"), secret.encode())
