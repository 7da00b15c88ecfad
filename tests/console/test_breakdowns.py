"""Targets divided on screen: stated by one person, approved by another, with sums that hold at every level."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest

from tests.console.forms import csrf_of, send, text_of
from tests.console.world import HOUSE, World

Signed = Callable[[str], httpx.Client]
KEY = {"year": 2025, "indicator": "energy", "caliber": "gb2589_equivalent_value"}
REGION = "990100"
TOWN = "/targets/breakdowns/region/990100/2025/energy/gb2589_equivalent_value"
PLACE = f"/targets/breakdowns/institution/{HOUSE}/2025/energy/gb2589_equivalent_value"


@pytest.fixture
def town(admin: httpx.Client, world: World) -> list[str]:
    """The institutions of a city whose target of 1,000 kgce was issued."""
    names = sorted(i.id for i in world.registry.snapshot().institutions.values() if i.region == REGION)
    issued = {"scope": "region", "id": REGION, "value": 1000, "document": "示例〔2025〕9号", "issued_on": "2025-01-20"}
    assert admin.post("/targets", data={"csrf": csrf_of(admin.get("/targets")), **KEY, **issued}).status_code == 200
    return names


def divide(
    browser: httpx.Client, page: str, whose: dict[str, str], parts: dict[str, str], reserve: str
) -> httpx.Response:
    form : dict[str, object] = {
        "csrf": csrf_of(browser.get(page)), **KEY, **whose, "reserve": reserve, "reason": "按上年用能分解",
        "part": list(parts), "amount": list(parts.values()),
    }  # fmt: skip
    return browser.post("/targets/breakdowns", data=form)


def approve(browser: httpx.Client, world: World, identity: str) -> httpx.Response:
    version = next(v for v in world.registry.breakdowns.standing([identity], 2025) if v.state == "proposed")
    return browser.post(
        f"/targets/breakdowns/{version.breakdown}/approve", data={"csrf": csrf_of(browser.get("/targets"))}
    )


def test_a_target_goes_down_the_tree_and_a_change_comes_out_of_the_reserve(
    admin: httpx.Client, browser_of: Signed, world: World, town: list[str]
) -> None:
    assert "未分解" in text_of(admin.get("/targets/breakdowns?year=2025"))
    shares = {f"institution:{name}": "100" for name in town} | {f"institution:{HOUSE}": "300.5"}
    reserve = 1000 - 300.5 - 100 * (len(town) - 1)
    whose = {"scope": "region", "id": REGION}
    short = divide(admin, TOWN, whose, shares, str(reserve - 1))
    assert short.status_code == 422
    assert "expected parts + reserve = 1000, got 999.0, -1.0 too much" in text_of(short)
    assert "待审批" in text_of(divide(admin, TOWN, whose, shares, str(reserve)))
    assert f"{reserve:,.1f}" in text_of(approve(admin, world, REGION))

    buildings = [b.id for b in world.registry.snapshot().buildings.values() if b.institution == HOUSE]
    manager = browser_of("manager")
    own = {"scope": "institution", "id": HOUSE}
    divide(manager, PLACE, own, {f"building:{buildings[0]}": "290"}, "10.5")
    assert approve(manager, world, HOUSE).status_code == 403  # an energy manager approves nothing
    approve(admin, world, HOUSE)

    asked = {**whose, **KEY, "part": f"institution:{HOUSE}", "reason": "新增门诊楼"}
    too_much = send(admin, TOWN, "/targets/breakdowns/changes", **asked, amount=300.5 + reserve + 1)
    assert f"asks for {reserve + 1} more, the reserve holds {reserve}" in text_of(too_much)
    send(admin, TOWN, "/targets/breakdowns/changes", **asked, amount="310.5")
    shown = text_of(approve(admin, world, REGION))
    assert "新增门诊楼" in shown
    assert "300.5 310.5 +10.0" in shown  # before, after, change
    below = text_of(admin.get(PLACE))
    assert "310.5" in below
    assert "20.5" in below  # the reserve of the hospital took the ten
    targets = {t.id: t.value for t in world.registry.targets.rows(year=2025, indicator="energy", state="issued")}
    assert (targets[HOUSE], targets[buildings[0]]) == (310.5, 290.0)


def test_who_sees_the_institution_alone_finds_no_whole_above_it(browser_of: Signed, town: list[str]) -> None:
    manager = browser_of("manager")
    assert manager.get(TOWN).status_code == 404
    assert manager.get(PLACE).status_code == 200


def test_what_does_not_add_up_is_not_divided(admin: httpx.Client) -> None:
    answer = admin.get(f"/targets/breakdowns/institution/{HOUSE}/2025/electricity_per_area/physical")
    assert answer.status_code == 422
    assert "does not add up" in text_of(answer)


def test_every_change_leaves_as_a_file(admin: httpx.Client, world: World) -> None:
    own = {"scope": "institution", "id": "yz-jgsw", "year": "2026"}
    issued = {"value": 50, "document": "示例〔2026〕1号", "issued_on": "2026-01-20"}
    send(admin, "/targets?year=2025&q=yz-jgsw", "/targets", **KEY | own | issued)
    page = PLACE.replace(HOUSE, "yz-jgsw").replace("2025", "2026")
    divide(admin, page, own, {"building:yz-jgsw-b1": "30"}, "20")
    asked = {"level": "institution", "node": "yz-jgsw", **KEY, "year": "2026", "format": "csv"}
    text = admin.get("/api/v1/breakdowns/changes", params=asked).text.lstrip("\ufeff")
    columns = ("scope", "id", "before", "amount", "author", "reason")
    found = [tuple(row[name] for name in columns) for row in csv.DictReader(text.splitlines())]
    assert found == [
        ("building", "yz-jgsw-b1", "", "30.0", "admin", "按上年用能分解"),
        ("reserve", "", "", "20.0", "admin", "按上年用能分解"),
    ]


def test_last_years_use_fills_in_parts_that_make_the_whole(admin: httpx.Client, world: World) -> None:
    city = {"scope": "region", "id": REGION, "year": "2026", "value": 900, "document": "x", "issued_on": "2026-01-20"}
    assert admin.post("/targets", data={"csrf": csrf_of(admin.get("/targets")), **KEY, **city}).status_code == 200
    form = admin.get(TOWN.replace("2025", "2026"), params={"by": "last_year", "reserve": "100"}).text
    stated = {
        name: Decimal(amount)
        for name, amount in re.findall(
            r'name="part" value="([^"]+)"><input [^>]*name="amount"[^>]*value="([0-9.]+)"', form
        )
    }
    (kept,) = re.findall(r'id="a-reserve"[^>]*value="([0-9.]+)"', form)
    assert sum(stated.values()) + Decimal(kept) == 900
    assert set(stated) == {"institution:jz-jgsw", "institution:jz-yy1", "institution:sl-dx"}
    assert stated["institution:jz-yy1"] > stated["institution:jz-jgsw"]  # a hospital uses more than an office
    assert "上年用量未知,请人工填写: 甲东区" in text_of(admin.get(TOWN.replace("2025", "2026") + "?by=last_year"))
