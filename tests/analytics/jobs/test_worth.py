"""Money of findings by the tariff of their hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytics.detection.kinds import Kind
from analytics.findings import Finding
from analytics.jobs.estate import estates
from analytics.jobs.outlook import Outlook
from analytics.jobs.prices import tariffs_of
from analytics.jobs.stepped import Told
from analytics.jobs.surroundings import Surroundings
from analytics.jobs.worth import with_worth
from tests.analytics.jobs.conftest import Works, instant, meter
from tests.analytics.jobs.test_costs import PEAK, VALLEY, price, use

NIGHT = Finding("e1", Kind.SPIKE, instant("2026-01-06T22:00:00"), instant("2026-01-07T02:00:00"), 12.0, 2.0, "kWh", 0.9)
NAN = float("nan")


def worth(works: Works, finding: Finding, used: float = NAN) -> float:
    (estate,) = estates(works.registry.snapshot(), ["school"], "Asia/Shanghai")
    outlook = Outlook("school", (), (finding,), None, ())
    paid = tariffs_of(works.registry, estate)
    (found,) = with_worth(outlook, estate, Surroundings(works.store, estate), paid, told(used)).found
    return found.yuan


def told(used: float) -> Told:
    """A meter of which every month and year used so much."""
    return Told(np.zeros((2, 0)), np.zeros((2, 0)), lambda _first, _end: np.full(2, used))


def test_an_excess_costs_the_tariff_of_its_hours(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[PEAK, VALLEY], tariff_uses=[use()])
    assert worth(works, NIGHT) == pytest.approx(4.0)  # 10 kWh in the valley at .4
    noon = replace(NIGHT, start=instant("2026-01-06T10:00:00"), end=instant("2026-01-06T14:00:00"))
    assert worth(works, noon) == pytest.approx(10.0)
    evening = replace(NIGHT, start=instant("2026-01-06T18:00:00"), end=instant("2026-01-06T22:00:00"))
    assert worth(works, evening) == pytest.approx(7.0)  # half of it before 20:00
    assert worth(works, replace(NIGHT, actual=2.0, usual=12.0)) == pytest.approx(4.0)  # saved, or not counted


def test_load_without_people_costs_their_hours_only(works: Works) -> None:
    works.estate(meter("e1"), tariffs=[PEAK, VALLEY], tariff_uses=[use()])
    days = replace(NIGHT, start=instant("2026-01-05T00:00:00"), end=instant("2026-01-10T00:00:00"))
    of_all_hours = worth(works, days)
    of_empty_hours = worth(works, replace(days, kind=Kind.BASE_LOAD))
    assert of_all_hours == pytest.approx(7.0)  # 12 hours at 1.0 and 12 at .4
    assert of_empty_hours == pytest.approx(4.0)  # on workdays people are there in peak hours only


def test_an_excess_lies_in_the_dearest_steps_that_its_month_reached(works: Works) -> None:
    steps = [price(0.5), price(0.8, tier_from=100)]
    works.estate(meter("e1"), tariffs=steps, tariff_uses=[use()])
    assert worth(works, NIGHT, used=300.0) == pytest.approx(8.0)  # 10 kWh, all of them above 100
    assert worth(works, NIGHT, used=104.0) == pytest.approx(4 * 0.8 + 6 * 0.5)
    assert worth(works, NIGHT, used=80.0) == pytest.approx(5.0)
    missing = replace(NIGHT, actual=2.0, usual=12.0)
    assert worth(works, missing, used=96.0) == pytest.approx(4 * 0.5 + 6 * 0.8)  # what is missing comes on top
    assert worth(works, replace(NIGHT, yuan=3.3)) == 3.3  # nobody knows what the month used


def test_an_excess_across_two_months_lies_in_both(works: Works) -> None:
    steps = [price(0.5), price(0.8, tier_from=100)]
    works.estate(meter("e1"), tariffs=steps, tariff_uses=[use()])
    across = replace(NIGHT, start=instant("2026-01-31T22:00:00"), end=instant("2026-02-01T02:00:00"))
    assert worth(works, across, used=102.0) == pytest.approx(2 * (2 * 0.8 + 3 * 0.5))  # 5 kWh on top of each month


def test_below_the_billing_point_its_steps_count(works: Works) -> None:
    steps = [price(0.5), price(0.8, tier_from=100)]
    works.estate(meter("e1"), meter("e2", parent="e1"), tariffs=steps, tariff_uses=[use()])
    own = replace(NIGHT, meter="e2")
    (estate,) = estates(works.registry.snapshot(), ["school"], "Asia/Shanghai")
    of_both = Told(np.zeros((2, 0)), np.zeros((2, 0)), lambda _first, _end: np.array([300.0, 20.0]))
    paid = tariffs_of(works.registry, estate)
    outlook = Outlook("school", (), (own,), None, ())
    (found,) = with_worth(outlook, estate, Surroundings(works.store, estate), paid, of_both).found
    assert found.yuan == pytest.approx(8.0)


def test_without_a_tariff_and_where_nobody_knows_the_excess_nothing_changes(works: Works) -> None:
    works.estate(meter("e1"), meter("e2"), tariffs=[PEAK, VALLEY], tariff_uses=[use(scope="meter", id="e1")])
    assert worth(works, replace(NIGHT, meter="e2", yuan=3.3)) == 3.3
    assert np.isnan(worth(works, replace(NIGHT, kind=Kind.STUCK)))
    assert np.isnan(worth(works, replace(NIGHT, kind=Kind.SET_POINT, unit="°C")))
