"""What a running period is held against, where clocks change and where bills are cut at their end."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.jobs import run
from energy.intervals import LocalCalendar
from tests.analytics.jobs.conftest import HOUR, Works, instant, meter
from tests.analytics.jobs.test_bills import MANUAL, bill

BERLIN = LocalCalendar("Europe/Berlin")
SITE = {"id": "s1", "institution": "school", "name_zh": "柏林", "timezone": BERLIN.zone}


def in_berlin(works: Works, start: int, values: list[float], first: float = 0.0) -> None:
    """Hourly use of `e1` from an instant on."""
    register = first + np.concatenate(([0.0], np.cumsum(values)))
    works.read("e1", (start + HOUR * np.arange(len(register))).tolist(), register.tolist())


@pytest.mark.parametrize(
    ("today", "hours", "expected"),
    [
        # 29 March 2026 has 23 hours: at noon 11 have gone, and a year before 12 had
        (date(2026, 3, 29), 11, 12.0),
        # 25 October 2026 has 25 hours: one hour before midnight 24 have gone; a year before 23 of 24 had
        (date(2026, 10, 25), 24, 23.0),
    ],
)
def test_the_day_the_clock_changes_is_cut_at_the_same_time_of_the_clock(
    works: Works, today: date, hours: int, expected: float
) -> None:
    works.estate(meter("e1"), sites=[SITE])
    before, now = BERLIN.start_of(today.replace(year=2025)), BERLIN.start_of(today)
    in_berlin(works, before, [1.0] * 48)
    in_berlin(works, now, [1.0] * hours, first=100.0)
    run(works.store, works.registry, now=now + hours * HOUR, zone=BERLIN.zone)
    rows = works.rows("total", id="e1", period="day", item="all")
    assert rows.fields["last_year"][rows.time == now].tolist() == [expected]


def test_a_day_without_intervals_is_cut_at_its_share_of_the_clock(works: Works) -> None:
    # read at both midnights only: of the 24 hours of 25 October 2025, 23 lie before 23:00
    works.estate(meter("e1"), sites=[SITE])
    before, now = BERLIN.start_of(date(2025, 10, 25)), BERLIN.start_of(date(2026, 10, 25))
    works.read("e1", [before, before + 24 * HOUR], [0.0, 48.0])
    in_berlin(works, now, [1.0] * 24, first=100.0)
    run(works.store, works.registry, now=now + 24 * HOUR, zone=BERLIN.zone)
    rows = works.rows("total", id="e1", period="day", item="all")
    assert rows.fields["last_year"][rows.time == now] == pytest.approx([46.0])


def test_a_billed_year_is_held_against_the_days_up_to_the_end_of_its_last_bill(works: Works) -> None:
    """Bills of last year are cut where this year's end, not where the run stands."""
    months = [("2025-01-01", "2025-01-31", 310.0), ("2025-02-01", "2025-02-28", 280.0)]
    works.estate(MANUAL, bills=[bill(*row) for row in [*months, ("2026-01-01", "2026-01-31", 300.0)]])
    works.run(now="2026-02-20T09:40:00")
    for name in ("m1", "b1", "school", "990000"):
        year = works.total(name, "year", "2026-01-01T00:00:00")
        assert (year["amount"], year["last_year"]) == (pytest.approx(300.0), pytest.approx(310.0)), name
    month = works.total("m1", "month", "2026-02-01T00:00:00")  # nothing of February is billed yet
    assert month["coverage"] == 0.0
    assert np.isnan([month["amount"], month["last_year"]]).all()


def test_a_bill_of_last_year_that_goes_on_beyond_the_cut_counts_by_its_days(works: Works) -> None:
    # 20 January to 28 February 2025 were billed together, every day alike (only rest days); this year ends on the 9th
    closed = {"institution": "school", "date_from": "2025-01-20", "date_to": "2025-02-28", "kind": "closed"}
    works.estate(
        MANUAL,
        bills=[
            bill("2025-01-01", "2025-01-19", 190.0),
            bill("2025-01-20", "2025-02-28", 400.0),
            bill("2026-01-01", "2026-02-09", 500.0),
        ],
        calendars=[closed],
    )
    works.run(now="2026-02-20T09:40:00")
    month = works.total("m1", "month", "2026-02-01T00:00:00")
    assert month["last_year"] == pytest.approx(9 * 10.0)
    assert works.total("m1", "year", "2026-01-01T00:00:00")["last_year"] == pytest.approx(190.0 + 21 * 10.0)


def test_a_bill_that_ends_on_the_29th_of_february_is_held_against_28_days(works: Works) -> None:
    works.estate(MANUAL, bills=[bill("2023-02-01", "2023-03-31", 590.0), bill("2024-02-01", "2024-02-29", 290.0)])
    works.run(now="2024-02-29T09:40:00")
    february = works.rows("total", id="m1", period="day", item="all")
    days = (february.time >= instant("2023-02-01T00:00:00")) & (february.time < instant("2023-03-01T00:00:00"))
    assert int(days.sum()) == 28
    month = works.total("m1", "month", "2024-02-01T00:00:00")
    assert month["last_year"] == pytest.approx(february.fields["amount"][days].sum())
