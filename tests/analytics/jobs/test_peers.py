"""Limits and places of institutions beside their rolling years."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.jobs.peers import LIMIT_FIELDS
from energy.series import Table
from tests.analytics.jobs.conftest import Works, instant, meter

N = 32


def bureau(i: int, **columns: object) -> dict[str, object]:
    return {
        "id": f"o{i:02}",
        "name_zh": f"局{i}",
        "region": "990101",
        "type": "01",
        "tier": "县级",
        "climate_zone": "寒冷A",
        "quota_class": "党政机关",
        **columns,
    }


def world(works: Works, n: int = N) -> None:
    """Offices of 100 m2 that use 100, 101, 102 ... kWh a year of 365 days."""
    names = [f"o{i:02}" for i in range(n)]
    works.estate(
        *(meter(f"m-{o}", institution=o, kind="manual", digits=None, interval_s=86_400) for o in names),
        bills=[
            {
                "meter": f"m-{o}",
                "first_day": "2025-01-01",
                "last_day": "2025-12-31" if i != 1 else "2025-11-30",
                "amount": 100.0 + i,
                "unit": "kWh",
            }
            for i, o in enumerate(names)
        ],
        denominators=[
            {"scope": "institution", "id": o, "kind": "floor_area", "value": 100, "unit": "m2"} for o in names
        ],
    )


def opened(works: Works, n: int = N, **columns: object) -> None:
    works.estate()
    works.registry.import_sheets({"institutions": [bureau(i, **columns) for i in range(n)]})
    world(works, n)
    works.run(now="2026-01-15T06:00:00")


def december(works: Works, indicator: str = "electricity_per_area") -> Table:
    found = works.rows("indicator", scope="institution", period="rolling12", indicator=indicator)
    return found.take(found.time == instant("2025-12-01T00:00:00"))


def test_the_like_are_ranked_and_incomplete_ones_apart(works: Works) -> None:
    opened(works)
    found = december(works)
    rank = dict(zip(found.tags["id"], found.fields["rank"], strict=True))
    assert rank["o00"] == 1.0
    assert rank["o02"] == 2.0  # o01 lacks December: no place
    assert rank["o31"] == 31.0
    assert np.isnan(rank.get("o01", np.nan))
    assert set(found.fields["rank_of"][np.isfinite(found.fields["rank"])]) == {31.0}


def test_peers_give_limits_where_no_quota_is(works: Works) -> None:
    opened(works)
    found = december(works)
    # 31 complete: 1.00, 1.02 .. 1.31 kWh/m2; P80 at .8 * 32 = 25.6th is 1.256, told in steps of 0.02
    first = int(np.flatnonzero(found.tags["id"] == "o00")[0])
    assert found.fields["constraint"][first] == pytest.approx(1.26)
    assert found.fields["baseline"][first] == pytest.approx(1.16)
    assert found.fields["group"][first] == "peers 01/县级/寒冷A n=31"
    # of values from 1 to 1.31 no limit errs by a tenth: the narrowest interval that is told
    ends = [found.fields[f"{limit}_{end}"][first] for limit in ("constraint", "baseline") for end in ("low", "high")]
    assert ends == pytest.approx([1.26 * 0.9, 1.26 * 1.1, 1.16 * 0.9, 1.16 * 1.1])
    assert np.isnan(found.fields["adjustment_operating_hours"]).any()  # nobody states hours


@pytest.mark.parametrize("whole", ["energy", "co2"])
def test_amounts_of_whole_institutions_have_neither_limits_nor_places(works: Works, whole: str) -> None:
    opened(works)
    found = december(works, whole)
    assert len(found) == 31
    for name in ("constraint", "baseline", "guide", "rank", "rank_of"):
        assert np.isnan(found.fields[name]).all()
    assert set(found.fields["group"].tolist()) == {None}


def test_a_small_group_takes_its_parent_and_says_so(works: Works) -> None:
    opened(works)
    works.registry.import_sheets({"institutions": [bureau(0, tier="市级")]})
    works.run(now="2026-01-15T07:00:00", since=0)
    found = december(works)
    first = int(np.flatnonzero(found.tags["id"] == "o00")[0])
    assert found.fields["group"][first] == "peers 01/寒冷A n=31 (parent)"
    assert found.fields["rank_of"][first] == 1.0


def test_few_institutions_have_no_limits(works: Works) -> None:
    opened(works, 5)
    found = december(works)
    assert np.isnan(found.fields["constraint"]).all()
    assert set(found.fields["group"].tolist()) == {None}


def test_an_approved_quota_of_the_same_caliber_comes_first(works: Works) -> None:
    opened(works)
    works.registry.import_sheets(
        {
            "quotas": [
                {
                    "region": "示例",
                    "standard": "DB99/T 1-2025",
                    "institution_type": "党政机关",
                    "tier": "县级",
                    "climate_zone": "寒冷A",
                    "indicator": "electricity_per_area",
                    "constraint": 60,
                    "baseline": 40,
                    "guide": 20,
                    "unit": "kWh/(m2·a)",
                    "caliber": "physical",
                    "source": "table 1",
                    "confidence": "seen",
                    "approved_by": "张三",
                }
            ]
        }
    )
    works.run(now="2026-01-15T07:00:00", since=0)
    found = december(works)
    assert set(found.fields["constraint"].tolist()) == {60.0}
    assert set(found.fields["group"].tolist()) == {"DB99/T 1-2025"}
    assert all(np.isnan(found.fields[name]).all() for name in LIMIT_FIELDS[3:])  # a quota is exact
    # a quota of another caliber speaks of other figures
    assert "peers" in str(december(works, "energy_per_area").fields["group"][0])


def test_hours_that_raise_the_use_of_all_are_allowed_for_in_the_unit_of_the_indicator(works: Works) -> None:
    opened(works)
    hours = [{"scope": "institution", "id": f"o{i:02}", "kind": "operating_hours", "value": 2000 + 10 * i, "unit": "h"}
             for i in range(N - 1)]  # fmt: skip
    works.registry.import_sheets({"denominators": hours})
    works.run(now="2026-01-15T07:00:00", since=0)
    found = december(works)
    part = dict(zip(found.tags["id"], found.fields["adjustment_operating_hours"], strict=True))
    value = dict(zip(found.tags["id"], found.fields["value"], strict=True))
    constraint = dict(zip(found.tags["id"], found.fields["constraint"], strict=True))
    assert part["o00"] < 0 < part["o30"]
    # as much of the value as the limit differs from that of middling hours (o15, about 0), steps of 0.02 apart
    assert part["o30"] / value["o30"] == pytest.approx(1 - constraint["o15"] / constraint["o30"], abs=0.03)
    assert np.isnan(part["o31"])  # states none: nothing is adjusted
    assert np.isnan(found.fields["adjustment_users_per_area"]).all()


def test_seasons_of_one_winter_are_compared_whenever_they_begin(works: Works) -> None:
    begins = ("10-20", "11-01", "11-15")
    works.estate()
    works.registry.import_sheets({"institutions": [bureau(i) for i in range(3)]})
    names = [f"o{i:02}" for i in range(3)]
    works.estate(
        *(
            meter(f"h-{o}", institution=o, kind="manual", category="heat", unit="GJ", digits=None, interval_s=86_400)
            for o in names
        ),
        bills=[
            {"meter": f"h-{o}", "first_day": "2024-10-20", "last_day": "2025-03-31", "amount": 100.0 + i, "unit": "GJ"}
            for i, o in enumerate(names)
        ],
        denominators=[
            {"scope": "institution", "id": o, "kind": "heated_area", "value": 100, "unit": "m2"} for o in names
        ],
        heating_seasons=[
            {"scope": "institution", "id": o, "begins": day, "ends": "03-31", "source": "x", "confidence": "sure"}
            for o, day in zip(names, begins, strict=True)
        ],
    )
    works.run(now="2025-07-15T06:00:00")
    found = works.rows("indicator", scope="institution", period="season", indicator="heating_energy_per_heated_area")
    assert found.time.tolist() == [instant(f"2024-{day}T00:00:00") for day in begins]
    assert found.fields["rank_of"].tolist() == [3.0] * 3
    assert sorted(found.fields["rank"].tolist()) == [1.0, 2.0, 3.0]


def test_a_second_run_changes_nothing(works: Works) -> None:
    opened(works, 5)
    before = works.rows("indicator", period="rolling12")
    works.run(now="2026-01-15T07:00:00")
    after = works.rows("indicator", period="rolling12")
    for name, values in before.fields.items():
        np.testing.assert_array_equal(values, after.fields[name])
