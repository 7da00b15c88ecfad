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


def test_a_generated_client_reads_every_table_and_does_what_an_office_does(world: World, client_package: Any) -> None:
    house = world.province.houses[2].id
    meter = f"{house}.b1.e"
    words = importlib.import_module(f"{client_package.__name__}.models")
    known = client_package.AuthenticatedClient(base_url=world.url, token=world.tokens["root-administrator"])
    days = {"first": date(2025, 3, 1), "last": date(2025, 4, 30)}
    window = {"start": datetime(2025, 3, 1, tzinfo=UTC), "end": datetime(2025, 3, 3, tzinfo=UTC)}
    of_house = {"id": house, **days}

    with known as client:

        def call(module: str, **arguments: Any) -> Any:
            found = importlib.import_module(f"{client_package.__name__}.api.{module}")
            return found.sync(client=client, **arguments)

        first = call("registry.list_meters", limit=5)
        second = call("registry.list_meters", limit=5, cursor=first.next_)
        assert len({row.id for row in (*first.items, *second.items)}) == 10
        assert call("registry.read_meter", meter=meter).institution == house
        assert call("figures.read_readings", meter=meter, **window).n_came == 48  # hourly
        assert call("figures.read_intervals", meter=meter, **window).unit == "kWh"
        level = words.ReadIndicatorsLevel.INSTITUTIONS
        assert {row.indicator for row in call("decisions.read_indicators", level=level, **of_house).items} >= {"energy"}

        first_day, last_day = date(2025, 4, 1), date(2025, 4, 30)
        bill = words.BillIn(meter=f"{house}-bill", first_day=first_day, last_day=last_day, amount=90.0, unit="m3")
        assert call("decisions.put_bill", body=bill).amount == 90.0
        assert 90.0 in {row.amount for row in call("decisions.list_bills", institution=house).items}
        key = {"id": house, "year": 2034, "indicator": "electricity_per_area", "caliber": "physical"}
        proposal = words.ProposalIn(scope=words.ProposalInScope.INSTITUTION, value=55.0, **key)
        assert call("decisions.propose_target", body=proposal).state == "proposed"
        issue = words.IssueIn(
            scope=words.IssueInScope.INSTITUTION, document="示例〔2034〕1号", date=date(2034, 1, 20), **key
        )
        assert call("decisions.issue_target", body=issue).value == 55.0
        entry = words.EntryIn(form=words.EntryInForm.BASE1, field="address", year=2025, text="示例路 1 号")
        assert call("reports.enter_form_value", institution=house, body=entry).text == "示例路 1 号"
        assert [row.field for row in call("reports.list_form_values", institution=house, year=2025).items] == [
            "address"
        ]
        paper = call("reports.read_monthly_report", institution=house, month="2025-03")
        assert paper.payload.read(5) == b"%PDF-"
        sheet = call("exchange.export_sheet", sheet=words.ExportSheetSheet.BUILDINGS)
        rows = words.ImportInSheets.from_dict({"buildings": [row.to_dict() for row in sheet.rows]})
        kept = call("exchange.import_sheets", body=words.ImportIn(sheets=rows), dry_run=True)
        assert kept.changed.to_dict() == kept.added.to_dict() == {}
        assert call("decisions.list_notices").total >= 0
        assert {rule.kind for rule in call("decisions.list_rules").items} >= {"silent", "disk", "stage"}
        assert call("operation.list_runs").items[0].state == "done"
        assert call("operation.read_collector") is not None
