"""What fell silent, or waits for its bill, is unknown: left out of a sum it would look like thrift."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from tests.analytics.jobs.conftest import Works, instant, meter

HOURS = 24
AREA = {"scope": "institution", "id": "school", "kind": "floor_area", "value": 100, "unit": "m2"}


def gas(**columns: object) -> dict[str, object]:
    return meter("g1", category="gas", unit="m3", **columns)


def read(works: Works, name: str, first: str, last: str) -> None:
    """10 units an hour on these days, both included."""
    n_days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    works.hourly(name, f"{first}T00:00:00", [10.0] * HOURS * n_days)


def energy(works: Works, period: str, place: str = "school", indicator: str = "energy") -> dict[str, float]:
    """Standard coal by the local date on which its period begins."""
    found = works.rows("indicator", id=place, period=period, indicator=indicator)
    days = [(date(1970, 1, 1) + timedelta(seconds=time + 8 * 3600)).isoformat() for time in found.time.tolist()]
    return dict(zip(days, found.fields["value"].tolist(), strict=True))


def kgce(n_days: int, n_gas_days: int) -> float:
    return 240 * (n_days * 0.1229 + n_gas_days * 1.33)


def test_energy_is_unknown_from_the_day_on_which_gas_fell_silent(works: Works) -> None:
    works.estate(meter("e1"), gas(), denominators=[AREA])
    read(works, "e1", "2025-01-01", "2026-02-28")
    read(works, "g1", "2025-01-01", "2026-01-10")
    works.run(now="2026-03-01T00:00:00")
    days = energy(works, "day")
    assert days["2026-01-10"] == pytest.approx(kgce(1, 1))
    assert "2026-01-11" not in days
    months = energy(works, "month")
    assert months["2025-12-01"] == pytest.approx(kgce(31, 31))
    assert "2026-02-01" not in months
    assert list(energy(works, "rolling12", indicator="energy_per_area"))[-1] == "2026-01-01"
    silent = works.total("school", "month", "2026-02-01T00:00:00", category="gas")
    assert np.isnan(silent["amount"])
    assert (silent["coverage"], silent["n_expected"], silent["n_reporting"]) == (0.0, 1.0, 0.0)
    assert works.total("990000", "month", "2026-02-01T00:00:00", category="gas")["coverage"] == 0.0


def test_gas_without_a_bill_yet_is_unknown_and_so_is_the_progress_of_its_target(works: Works) -> None:
    works.estate(
        meter("e1"),
        gas(kind="manual", digits=None, interval_s=86_400),
        bills=[{"meter": "g1", "first_day": "2026-01-01", "last_day": "2026-01-31", "amount": 310.0, "unit": "m3"}],
        denominators=[AREA],
        targets=[
            {
                "scope": "institution", "id": "school", "year": 2026, "indicator": "energy_per_area",
                "caliber": "gb2589_equivalent_value", "state": "issued", "value": 1000.0, "document": "1",
            }
        ],
    )  # fmt: skip
    read(works, "e1", "2026-01-01", "2026-02-28")
    works.run(now="2026-03-01T00:00:00")
    assert list(energy(works, "month")) == ["2026-01-01"]
    last = works.rows("target", id="school")
    assert last.fields["coverage"][-1] == pytest.approx(31 / 59)
    assert np.isnan(last.fields["stage"][-1])
    late = {"meter": "g1", "first_day": "2026-02-01", "last_day": "2026-02-28", "amount": 280.0, "unit": "m3"}
    works.registry.import_sheets({"bills": [late]})
    works.run(now="2026-03-01T00:00:00")
    assert energy(works, "month")["2026-02-01"] == pytest.approx(28 * (240 * 0.1229 + 10 * 1.33))
    last = works.rows("target", id="school")
    assert (last.fields["coverage"][-1], last.fields["stage"][-1]) == (1.0, 0.0)


def test_gas_that_is_first_heard_late_and_no_more_makes_the_days_since_then_unknown(works: Works) -> None:
    works.estate(meter("e1"), gas())
    read(works, "e1", "2026-01-01", "2026-01-20")
    works.run(now="2026-01-21T00:00:00")
    assert len(energy(works, "day")) == 20
    read(works, "g1", "2026-01-05", "2026-01-08")
    works.run(now="2026-01-21T00:00:00")
    assert list(energy(works, "day")) == [f"2026-01-{day:02}" for day in range(1, 9)]


def test_a_meter_that_is_gone_is_waited_for_until_somebody_says_so(works: Works) -> None:
    works.estate(meter("e1"), gas())
    read(works, "e1", "2026-01-01", "2026-01-20")
    read(works, "g1", "2026-01-01", "2026-01-08")
    works.run(now="2026-01-21T00:00:00")
    assert len(energy(works, "day")) == 8
    works.registry.import_sheets({"meters": [gas(active_to="2026-01-08")]})
    works.run(now="2026-01-21T06:00:00")
    days = energy(works, "day")
    assert days["2026-01-20"] == pytest.approx(kgce(1, 0))
    assert list(days)[:20] == [f"2026-01-{day:02}" for day in range(1, 21)]
    assert len(works.rows("total", id="g1", period="day")) == 8


@pytest.mark.parametrize("columns", [{}, {"active_to": "2026-01-08"}])
def test_what_was_never_heard_or_is_out_of_service_is_not_waited_for(works: Works, columns: dict[str, object]) -> None:
    works.estate(meter("e1"), gas(**columns))
    read(works, "e1", "2026-01-01", "2026-01-20")
    if columns:
        read(works, "g1", "2026-01-01", "2026-01-08")
    works.run(now="2026-01-21T00:00:00")
    assert len(energy(works, "day")) == 20
    assert energy(works, "day")["2026-01-20"] == pytest.approx(kgce(1, 0))
    assert works.total("g1", "day", "2026-01-20T00:00:00", category="gas") == {}


def test_heat_that_rests_is_not_waited_for(works: Works) -> None:
    heat = meter("h1", category="heat", unit="GJ", kind="manual", digits=None, interval_s=86_400)
    works.estate(
        meter("e1"),
        heat,
        bills=[{"meter": "h1", "first_day": "2025-11-15", "last_day": "2026-03-15", "amount": 1210.0, "unit": "GJ"}],
    )
    read(works, "e1", "2025-11-15", "2026-05-31")
    works.run(now="2026-06-01T00:00:00")
    months = energy(works, "month")
    assert months["2026-01-01"] > months["2026-04-01"]
    assert months["2026-05-01"] == pytest.approx(kgce(31, 0))


def test_days_that_began_meanwhile_are_waited_for_too(works: Works) -> None:
    works.estate(meter("e1"), gas())
    read(works, "e1", "2026-01-01", "2026-01-20")
    read(works, "g1", "2026-01-01", "2026-01-20")
    works.run(now="2026-01-21T00:00:00")
    works.run(now="2026-01-24T06:00:00")
    for day in range(21, 25):
        found = works.total("school", "day", f"2026-01-{day}T00:00:00", category="gas")
        assert np.isnan(found["amount"])
        assert found["coverage"] == 0.0
    assert works.rows("total", id="school", period="day").time.max() == instant("2026-01-24T00:00:00")
