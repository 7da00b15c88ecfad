"""Targets over HTTP: proposed by one, issued by another with number, date and paper; quotas for all."""

from __future__ import annotations

import pytest

from energy.model import Category
from tests.api.world import World

PAPER = b"%PDF-1.7 a paper"


@pytest.fixture
def key(world: World) -> dict[str, object]:
    house = world.province.houses[0].id
    return {
        "scope": "institution", "id": house, "year": 2031, "indicator": "electricity_per_area", "caliber": "physical",
    }  # fmt: skip


def test_a_proposal_is_issued_as_proposed_with_its_paper(world: World, key: dict[str, object]) -> None:
    path = f"/api/v1/targets/institution/{key['id']}/2031/electricity_per_area/physical/paper"
    with world.client("root-energy-manager") as manager, world.client("root-approver") as approver:
        proposed = manager.post("/api/v1/targets", json=key | {"value": 61.5, "note": "上年实绩下调"})
        assert proposed.status_code == 201, proposed.text
        assert proposed.json()["state"] == "proposed"
        issue = key | {"document": "示例〔2031〕7号", "date": "2031-01-20"}
        assert manager.post("/api/v1/targets/issue", json=issue).status_code == 403
        assert approver.put(path, params={"name": "批文.pdf"}, content=PAPER).status_code == 404  # nothing issued yet
        issued = approver.post("/api/v1/targets/issue", json=issue).json()
        assert (issued["value"], issued["unit"], issued["approved_by"]) == (61.5, "kWh/(m2·a)", "root-approver")
        assert approver.put(path, params={"name": "批文.pdf"}, content=PAPER).json()["file"] == "批文.pdf"
        assert manager.get(path).content == PAPER
        rows = manager.get("/api/v1/targets", params={"year": 2031}).json()["items"]
    assert [(row["state"], row["document"]) for row in rows] == [("issued", "示例〔2031〕7号"), ("proposed", "")]


def test_a_target_that_nobody_proposed_needs_a_value(world: World, key: dict[str, object]) -> None:
    with world.client("root-approver") as approver:
        bare = key | {"year": 2032, "document": "x", "date": "2032-01-01"}
        assert approver.post("/api/v1/targets/issue", json=bare).status_code == 404
        assert approver.post("/api/v1/targets/issue", json=bare | {"value": 50.0}).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [{"value": -1.0}, {"value": "61"}, {"indicator": "nonsense"}, {"caliber": "nonsense"}, {"state": "issued"}],
)
def test_a_proposal_that_means_nothing_is_refused(
    world: World, key: dict[str, object], wrong: dict[str, object]
) -> None:
    with world.client() as client:
        assert client.post("/api/v1/targets", json=key | {"value": 61.5} | wrong).status_code == 422


def test_a_quota_is_taken_into_the_book_with_its_approver(world: World) -> None:
    quota = {
        "region": "370000", "standard": "DB37/T 9999-2031", "institution_type": "01", "baseline": 70.0, "guide": 60.0,
        "indicator": "electricity_per_area", "caliber": "physical", "constraint": 90.0, "valid_from": "2031-01-01",
        "source": "表 1",
    }  # fmt: skip
    with world.client("root-approver") as approver:
        assert approver.post("/api/v1/quotas", json=quota | {"guide": 80.0}).status_code == 422  # above the baseline
        stored = approver.post("/api/v1/quotas", json=quota).json()
        assert (stored["approved_by"], stored["unit"]) == ("root-approver", "kWh/(m2·a)")
        listed = approver.get("/api/v1/quotas", params={"indicator": "electricity_per_area"}).json()["items"]
    assert stored in listed


def test_bills_are_held_against_tariff_and_meters(world: World) -> None:
    house = world.province.houses[0].id
    with world.client() as client:
        rows = client.get("/api/v1/bills/audits", params={"institution": house}).json()["items"]
    mine = next(row for row in rows if row["meter"] == f"{house}-bill")
    assert (mine["amount"], mine["yuan"], mine["first_day"], mine["last_day"]) == (
        100.0, 320.0, "2025-03-01", "2025-03-31",
    )  # fmt: skip
    assert mine["computed_yuan"] is None  # nobody has stated the tariff
    used = world.province.truth.institution_days(house, Category.GAS)[:31]  # by the main beside the account
    assert mine["metered"] == pytest.approx(used.sum(), abs=1.0)
    assert mine["needs_explanation"] is True
