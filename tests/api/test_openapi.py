"""The API's page is true: requests made up from it never end in our fault, and a generated client does the tour."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from api.answers import XLSX
from tests.api.world import World

_UNSAFE = {"remove_user", "revoke_token", "sign_out", "set_password", "change_user", "link_user"}
"""They would take away the very account the test works with; tests/api/test_accounts.py proves them."""


@schemathesis.serializer(XLSX)
def _as_bytes(_context: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def test_no_request_that_can_be_made_up_is_our_fault(world: World) -> None:
    schema = schemathesis.openapi.from_url(f"{world.url}/api/v1/openapi.json")
    token = world.tokens["root-administrator"]
    walked, faults = 0, []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] in _UNSAFE:
            continue
        walked += 1

        @hypothesis.settings(
            max_examples=6,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def walk(case: Any) -> None:
            case.call_and_validate(
                headers={"Authorization": f"Bearer {token}"},
                checks=[not_a_server_error, status_code_conformance, response_schema_conformance],
            )

        try:
            walk()
        except BaseExceptionGroup as group:
            faults += [str(error) for error in group.exceptions]
        except AssertionError as error:
            faults.append(str(error))
    assert walked > 25
    assert "\n\n".join(faults) == ""


@pytest.fixture(scope="module")
def client_package(world: World, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A client that openapi-python-client made from the page alone."""
    folder = tmp_path_factory.mktemp("generated")
    programs = Path(sys.executable).parent
    config = folder / "config.yaml"
    config.write_text(f"content_type_overrides:\n  {XLSX}: application/octet-stream\n")
    command = [str(programs / "openapi-python-client"), "generate", "--config", str(config), "--fail-on-warning"]
    command += ["--url", f"{world.url}/api/v1/openapi.json", "--meta", "none", "--overwrite"]
    command += ["--output-path", str(folder / "jieneng_client")]
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("jieneng_client")
    finally:
        sys.path.remove(str(folder))


def test_a_generated_client_does_the_whole_tour(world: World, client_package: Any) -> None:
    house = world.province.houses[0].id
    words = importlib.import_module(f"{client_package.__name__}.models")
    known = client_package.AuthenticatedClient(base_url=world.url, token=world.tokens["root-administrator"])

    with known as client:

        def call(module: str, **arguments: Any) -> Any:
            found = importlib.import_module(f"{client_package.__name__}.api.{module}")
            return found.sync(client=client, **arguments)

        assert call("session.read_session").user == "root-administrator"
        assert house in {i.id for i in call("registry.list_institutions", limit=1000).items}
        (finding,) = call("decisions.list_findings", institution=house).items
        decision = words.DecisionIn(comment="seen by a program")
        assert call("decisions.decide_finding", finding=finding.id, body=decision).comment == "seen by a program"
        days = {"first": date(2025, 3, 1), "last": date(2025, 3, 31)}
        used = call("figures.read_consumption", level=words.ReadConsumptionLevel.INSTITUTIONS, id=house, **days)
        assert {series.category.value for series in used.series} >= {"electricity"}
        correction = words.CorrectionIn(
            meter=f"{house}.b1.e",
            start=datetime(2025, 3, 8, tzinfo=UTC),
            end=datetime(2025, 3, 8, 1, tzinfo=UTC),
            kind=words.CorrectionInKind.DISCARD,
            reason="tour",
        )
        proposed = call("decisions.propose_correction", body=correction)
        act = words.DecideCorrectionAct
        assert call("decisions.decide_correction", id=proposed.id, act=act.APPROVE).state.value == "active"
        assert call("decisions.decide_correction", id=proposed.id, act=act.UNDO).state.value == "withdrawn"
        node = words.NodeIn(scope=words.NodeInScope.INSTITUTION, id=house)
        made = call("accounts.create_token", body=words.TokenIn(label="tour", node=node))
        assert made.secret.startswith("jn_")
        assert made.node.id == house
