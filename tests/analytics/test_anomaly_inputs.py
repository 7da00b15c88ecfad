"""Whatever meters send, the detector answers without a warning, and the same bits in any company and order."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from analytics import anomalies as an
from analytics.calendars import calendar_rows
from analytics.design import Design, Weather, build_design, choose_terms
from analytics.detection.rest import learn_rest, rest_days
from analytics.detection.yardsticks import LEVEL
from energy.intervals import HOUR, LocalCalendar
from energy.series import Float32Array

SHANGHAI, LONDON = LocalCalendar("Asia/Shanghai"), LocalCalendar("Europe/London")
DAYS = 200


def two_periods(zone: LocalCalendar, first: date) -> tuple[Design, Design, an.HourGrid]:
    """Rows of two times 200 days, and the hours of both."""
    n = DAYS * 24
    times = zone.start_of(first) + HOUR * np.arange(2 * n, dtype=np.int64)
    halves = [calendar_rows(times[half], HOUR, zone) for half in (slice(0, n), slice(n, None))]
    terms = choose_terms(halves[0], Weather())
    before, judged = (build_design(terms, half, Weather()) for half in halves)
    return before, judged, an.HourGrid.of(int(times[0]), calendar_rows(times, HOUR, zone))


def strange_meters(grid: an.HourGrid) -> dict[str, Float32Array]:
    """One row each of what meters have sent, or might."""
    generator = np.random.default_rng(8)
    n = len(grid)
    office = (40 + 60 * grid.busy) * generator.normal(1, 0.05, n)
    gone, late, lone = np.full((3, n), np.nan)
    lone[n // 3] = 7.0
    late[n // 4 :] = office[n // 4 :]
    jumps = office.copy()
    jumps[n // 2 :: 700] = 3e38
    rests = np.where(generator.random(n) < 0.4, 0.0, office)
    dead = office.copy()
    dead[3 * n // 4 :] = np.nan
    gaps = np.where(generator.random(n) < 0.3, np.nan, office)
    again, faulty = np.resize(office[:24], n), office.copy()
    for first, length, factor in ((5 * n // 8, 3, 4.0), (3 * n // 4, 200, 1.6), (7 * n // 8, 40, 0.0)):
        faulty[first : first + length] *= factor
    rows = {
        "office": office, "faulty": faulty, "none": gone, "one value": lone, "from the middle of a year": late,
        "dies": dead, "gaps": gaps, "zero": np.zeros(n), "constant": np.full(n, 5.0), "negative": -office,
        "both signs": office - 70, "rests": rests, "whole numbers": np.round(office / 40), "the same every day": again,
        "huge": office * 1e28, "at the limit of float32": np.where(grid.busy, 3.4e38, -3.4e38), "overflows": jumps,
        "tiny": office * 1e-38, "infinite": np.where(np.arange(n) % 97 == 0, np.inf, office),
    }  # fmt: skip
    return {name: row.astype(np.float32) for name, row in rows.items()}


def everything(values: Float32Array, before: Design, judged: Design, grid: an.HourGrid) -> list[np.ndarray]:
    """All that is told of each meter, as seen and looking back, with a row a meter."""
    n = len(before.calendar)
    usual = an.UsualUse(before, judged)(values[:, :n])
    yardsticks, seen = an.judge_as_seen(values, usual, grid, n)
    back = an.judge_retrospective(values, usual, grid)
    level = yardsticks.numbers[:, LEVEL]
    rest = rest_days(values, usual, grid, learn_rest(values, usual, grid, level))
    return [
        usual, yardsticks.numbers, yardsticks.thresholds, seen.score, seen.flagged, back.score, back.flagged,
        rest.strength, rest.limit, rest.use, rest.residual,
        *alarms_of(seen, len(values)), *alarms_of(back, len(values)),
    ]  # fmt: skip


def alarms_of(judgement: an.Judgement, n_meters: int) -> list[np.ndarray]:
    """The columns of the alarms in one object a meter."""
    alarms = judgement.alarms
    out = np.empty(n_meters, object)
    for m in range(n_meters):
        own = alarms.meter == m
        out[m] = [getattr(alarms, field.name)[own].tobytes() for field in fields(alarms) if field.name != "meter"]
    return [out]


@pytest.mark.parametrize(("zone", "first"), [(SHANGHAI, date(2023, 7, 1)), (LONDON, date(2023, 9, 1))])
def test_every_meter_gets_the_same_bits_in_any_company_and_order(zone: LocalCalendar, first: date) -> None:
    before, judged, grid = two_periods(zone, first)  # the second period holds 29 February 2024 and a change of clocks
    values = np.tile(np.stack(list(strange_meters(grid).values())), (3, 1))
    whole = everything(values, before, judged, grid)
    assert whole[4].any()  # some hours are flagged as seen, so that there are alarms to compare
    order = np.random.default_rng(0).permutation(len(values))
    for size in (1, 5, 32):
        chunks = [order[i : i + size] for i in range(0, len(order), size)]
        parts = [everything(values[chunk], before, judged, grid) for chunk in chunks]
        for expected, found in zip(whole, zip(*parts, strict=True), strict=True):
            assert_array_equal(np.concatenate(found), expected[order])


@pytest.mark.parametrize("zone", [SHANGHAI, LONDON])
def test_whatever_a_meter_sends_scores_are_numbers_and_silence_is_no_alarm(zone: LocalCalendar) -> None:
    before, judged, grid = two_periods(zone, date(2024, 1, 1))
    meters = strange_meters(grid)
    values = np.stack(list(meters.values()))
    usual = an.usual_use(values[:, : len(before.calendar)], before, judged)
    for found in (
        an.judge_as_seen(values, usual, grid, len(before.calendar))[1],
        an.judge_retrospective(values, usual, grid),
    ):
        assert np.isfinite(found.score).all()
        assert (found.score >= 0).all()
        raised = np.unique(found.alarms.meter)
        for name in ("none", "one value", "zero", "constant"):
            assert list(meters).index(name) not in raised, name
