"""Expected use in the jobs: models of closed years, what they fill and what they are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from energy.model import State
from energy.registry import Touched
from energy.registry.decisions import Correction
from energy.storage.schema import METHODS
from tests.analytics.jobs.conftest import DAY, HOUR, Works, instant, meter

METHOD = {name: code for code, name in METHODS.items()}
NOW = "2026-03-10T00:00:00"


def week(hours: int, first: int = 0) -> np.ndarray:
    """4 kWh in hours 8 to 17 of every day, 1 kWh in the others: 64 - 30 = 54 - ... = 10 x 4 + 14 x 1 = 54 a day."""
    hour = (first + np.arange(hours)) % 24
    return np.where((hour >= 8) & (hour < 18), 4.0, 1.0)


def a_year_and_more(works: Works, **columns: object) -> np.ndarray:
    """Meter e1 from 1 January 2025 to 10 March 2026; its register."""
    works.estate(meter("e1", building="b1", **columns))
    return works.hourly("e1", "2025-01-01T00:00:00", week(24 * (365 + 68)).tolist())


def interval(works: Works, when: str, field: str) -> float:
    rows = works.rows("interval", meter="e1")
    return float(rows.fields[field][np.searchsorted(rows.time, instant(when))])


def test_a_year_is_expected_by_the_model_of_the_year_before(works: Works) -> None:
    a_year_and_more(works)
    works.run(NOW)
    model = works.registry.models("expected:2026")["e1"]
    assert (model.start, model.end) == (instant("2025-01-02T00:00:00"), instant("2026-01-01T00:00:00"))
    assert interval(works, "2026-03-03T10:00:00", "expected") == pytest.approx(4.0, abs=0.01)
    assert interval(works, "2026-03-03T03:00:00", "expected") == pytest.approx(1.0, abs=0.01)
    assert (
        interval(works, "2026-03-03T10:00:00", "expected_low")
        <= 4.0
        <= interval(works, "2026-03-03T10:00:00", "expected_high")
    )
    for name in ("e1", "b1", "school", "990101"):
        day = works.total(name, "day", "2026-03-03T00:00:00")
        assert day["expected"] == pytest.approx(54, abs=0.2), name
        assert day["expected_low"] < 54 < day["expected_high"], name
        assert works.total(name, "month", "2026-02-01T00:00:00")["expected"] == pytest.approx(28 * 54, rel=0.005)


def test_a_short_history_expects_nothing(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-02-20T00:00:00", week(24 * 10).tolist())
    works.run(NOW)
    assert works.registry.models("expected:2026") == {}
    assert np.isnan(works.total("e1", "day", "2026-02-24T00:00:00")["expected"])


def test_a_late_reading_moves_no_model_and_refit_does(works: Works) -> None:
    works.estate(meter("e1"))
    values = np.concatenate(([0.0], np.cumsum(week(24 * (365 + 68)))))
    times = instant("2025-01-01T00:00:00") + HOUR * np.arange(len(values))
    late = (times > instant("2025-07-03T00:00:00")) & (times < instant("2025-07-14T00:00:00"))  # 11 of 364 days
    works.read("e1", times[~late].tolist(), values[~late].tolist())
    works.run(NOW)
    before = works.registry.models("expected:2026")["e1"]
    works.read("e1", times[late].tolist(), values[late].tolist())
    works.run(NOW)
    assert works.registry.models("expected:2026")["e1"] == before
    works.run(NOW, refit=True)
    after = works.registry.models("expected:2026")["e1"]
    assert (after.version, after.json()["n_known"]) == (before.version + 1, 24 * 364)


def test_a_gap_of_days_is_shared_out_by_what_was_expected(works: Works) -> None:
    works.estate(meter("e1"))
    first = instant("2025-01-01T00:00:00")
    values = np.concatenate(([0.0], np.cumsum(week(24 * (365 + 68)))))
    times = first + HOUR * np.arange(len(values))
    gap = (times > instant("2026-02-03T06:00:00")) & (times < instant("2026-02-05T06:00:00"))
    works.read("e1", times[~gap].tolist(), values[~gap].tolist())
    works.run(NOW)
    assert interval(works, "2026-02-04T10:00:00", "amount") == pytest.approx(4.0, rel=0.01)
    assert interval(works, "2026-02-04T10:00:00", "state") == State.ESTIMATED
    assert interval(works, "2026-02-04T10:00:00", "method") == METHOD["profile_fill"]
    day = works.total("e1", "day", "2026-02-04T00:00:00")
    assert day["amount"] == pytest.approx(54, rel=0.01)
    assert (day["coverage"], day["estimated_share"]) == (1.0, 1.0)
    assert works.total("e1", "month", "2026-02-01T00:00:00")["amount"] == pytest.approx(28 * 54, abs=1e-6)


def test_a_standstill_without_catch_up_stays_unknown_and_one_with_it_is_shared_out(works: Works) -> None:
    works.estate(meter("e1"))
    used = week(24 * (365 + 68))
    stuck, frozen = slice(24 * 370, 24 * 370 + 12), slice(24 * 380, 24 * 380 + 12)
    lost = used.copy()
    lost[stuck] = 0
    values = np.concatenate(([0.0], np.cumsum(lost)))
    values[frozen.start + 1 : frozen.stop + 1] = values[frozen.start]
    works.read("e1", (instant("2025-01-01T00:00:00") + HOUR * np.arange(len(values))).tolist(), values.tolist())
    works.run(NOW)
    assert np.isnan(interval(works, "2026-01-06T05:00:00", "amount"))
    assert interval(works, "2026-01-06T05:00:00", "method") == METHOD["standstill"]
    assert interval(works, "2026-01-16T05:00:00", "amount") == pytest.approx(1.0, rel=0.02)


def test_a_temperature_that_comes_late_brings_its_terms(works: Works) -> None:
    sensor = {"id": "wx.t", "institution": "court", "quantity": "temperature", "unit": "degC", "interval_s": HOUR}
    works.estate(meter("e1"), sensors=[{**sensor, "place": "region:990101"}])
    n = 24 * (365 + 68)
    outside = (
        10 + 12 * np.sin(2 * np.pi * np.arange(n + 1) / (365 * 24)) + 5 * np.sin(2 * np.pi * np.arange(n + 1) / 24)
    )
    used = np.round(week(n) + 0.2 * np.maximum(outside[:-1] - 12, 0), 2)
    works.hourly("e1", "2025-01-01T00:00:00", used.tolist())
    works.run(NOW)
    plain = interval(works, "2026-03-03T14:00:00", "expected")
    times = instant("2025-01-01T00:00:00") + HOUR * np.arange(n + 1)
    works.read("wx.t", times.tolist(), outside.tolist())
    works.run(NOW)
    model = works.registry.models("expected:2026")["e1"]
    assert model.version == 2
    assert model.json()["expected"]["terms"]["knots"] != []
    actual = float(used[24 * (365 + 61) + 14])
    assert abs(interval(works, "2026-03-03T14:00:00", "expected") - actual) < abs(plain - actual)


def test_what_people_stated_wins_and_shows(works: Works) -> None:
    a_year_and_more(works)
    works.run(NOW)
    start = instant("2026-02-04T00:00:00")
    stated = Correction("e1", start, start + DAY, "amount", "li", start, "停业", value=10.8)
    works.registry.corrections.put([stated])
    works.run(NOW)
    assert works.total("e1", "day", "2026-02-04T00:00:00")["amount"] == pytest.approx(10.8)
    assert interval(works, "2026-02-04T10:00:00", "state") == State.CORRECTED
    assert interval(works, "2026-02-04T10:00:00", "amount") == pytest.approx(10.8 * 4 / 54, rel=0.02)
    assert works.total("e1", "day", "2026-02-05T00:00:00")["amount"] == 54


def test_a_proposed_correction_changes_nothing_yet_and_a_discarded_reading_is_bridged(works: Works) -> None:
    works.estate(meter("e1"))
    works.hourly("e1", "2026-01-05T00:00:00", [2.0] * 48)
    at = instant("2026-01-05T05:00:00")
    works.registry.corrections.put([Correction("e1", at, at + 1, "amount", "li", at, "?", 99.0, state="proposed")])
    works.registry.mark_touched([Touched("e1", at, at)])
    works.run(NOW)
    assert interval(works, "2026-01-05T05:00:00", "amount") == 2.0
    works.registry.corrections.put([Correction("e1", at, at + 1, "discard", "li", at + 1, "误读")])
    works.run(NOW)
    assert interval(works, "2026-01-05T05:00:00", "state") == State.ESTIMATED
    works.registry.corrections.put([Correction("e1", at, at + 1, "reading", "li", at + 2, "现场读数", 11.0)])
    works.run(NOW)
    assert interval(works, "2026-01-05T04:00:00", "amount") == 3.0
    assert interval(works, "2026-01-05T04:00:00", "state") == State.CORRECTED


def test_each_month_is_expected_by_a_model_of_the_twelve_months_before_it(works: Works) -> None:
    works.estate(meter("e1"))
    used = week(24 * (365 + 68))
    used[24 * (365 + 31) :] *= 2  # from 1 February on
    values = np.concatenate(([0.0], np.cumsum(used)))
    times = instant("2025-01-01T00:00:00") + HOUR * np.arange(len(values))
    early = times <= instant("2026-02-20T00:00:00")
    works.read("e1", times[early].tolist(), values[early].tolist())
    works.run("2026-02-20T00:00:00")
    february = interval(works, "2026-02-10T10:00:00", "expected")
    assert february == pytest.approx(4.0, abs=0.01)
    works.read("e1", times[~early].tolist(), values[~early].tolist())
    works.run(NOW)
    model = works.registry.models("expected:2026-03")["e1"]
    assert (model.start, model.end) == (instant("2025-03-01T00:00:00"), instant("2026-03-01T00:00:00"))
    assert interval(works, "2026-02-10T10:00:00", "expected") == february
    march = interval(works, "2026-03-03T10:00:00", "expected")
    assert march > 4.5
    record = works.run(NOW, since=instant("2026-01-01T00:00:00"), institutions=["school"])
    assert record.written.get("interval", 0) == 0  # what was expected can be computed again from the stored models
    assert works.registry.models("expected:2026-03")["e1"].version == 1
