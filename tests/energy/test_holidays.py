"""Workdays and holidays; the dates here are from the published notices, not from the table."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from energy.errors import MissingReference
from energy.holidays import DayKind, Occasion, WorkCalendar, country_of, is_weekend, work_calendar
from energy.intervals import LocalCalendar
from energy.reference import Holiday, table
from energy.series import BoolArray, IntArray

CN = work_calendar("CN")
UK = work_calendar("GB-EAW")


def numbers(*days: str) -> np.ndarray:
    return np.array([(date.fromisoformat(day) - date(1970, 1, 1)).days for day in days])


def year(number: int) -> np.ndarray:
    return np.arange(int(numbers(f"{number}-01-01")[0]), int(numbers(f"{number + 1}-01-01")[0]))


def holidays(calendar: WorkCalendar, days: IntArray) -> BoolArray:
    """Which of the days are off by a notice."""
    return calendar.kind(days) == DayKind.HOLIDAY


def test_national_day_of_2026_with_its_shifted_workdays() -> None:
    # 国办发明电〔2025〕7号: 1 to 7 October off; Sunday 20 September and Saturday 10 October worked
    off = numbers(*[f"2026-10-0{day}" for day in range(1, 8)])
    assert holidays(CN, off).all()
    assert not CN.is_workday(off).any()
    worked = numbers("2026-09-20", "2026-10-10")
    assert is_weekend(worked).all()
    assert CN.is_workday(worked).all()
    assert_array_equal(CN.kind(worked), [DayKind.WORKDAY, DayKind.WORKDAY])


def test_the_spring_festival_of_2020_was_made_longer() -> None:
    # 国办发明电〔2020〕1号: until 2 February; Saturday 1 February, a workday at first, was off
    assert holidays(CN, numbers("2020-01-31", "2020-02-01", "2020-02-02")).all()
    assert CN.is_workday(numbers("2020-02-03")).all()


def test_the_may_holiday_of_2019_was_made_longer() -> None:
    # 国办发明电〔2019〕3号: 1 to 4 May off; Sundays 28 April and 5 May worked
    assert_array_equal(
        CN.is_workday(numbers("2019-04-28", "2019-04-30", "2019-05-01", "2019-05-03", "2019-05-05")),
        [True, True, False, False, True],
    )


def test_the_victory_days_of_2015_were_off() -> None:
    # 国发明电〔2015〕1号: 3 to 5 September off, Sunday 6 September worked
    assert_array_equal(
        CN.is_workday(numbers("2015-09-02", "2015-09-03", "2015-09-04", "2015-09-05", "2015-09-06")),
        [True, False, False, False, True],
    )


@pytest.mark.parametrize(("which", "workdays"), [(2023, 249), (2024, 251), (2025, 248)])
def test_workdays_of_a_year(which: int, workdays: int) -> None:
    # weekdays of the year - weekday holidays + worked weekend days, counted in the notices:
    # 2023: 260 - 18 + 7; 2024: 262 - 19 + 8; 2025: 261 - 18 + 5
    assert CN.is_workday(year(which)).sum() == workdays


def test_years_without_a_notice_follow_the_weekend_rule_and_say_so() -> None:
    monday_holiday, saturday = numbers("2012-10-01", "2012-10-06")
    assert not CN.is_published(np.array([monday_holiday])).any()
    assert CN.is_workday(np.array([monday_holiday])).all()
    assert not CN.is_workday(np.array([saturday])).any()
    assert not holidays(CN, np.array([monday_holiday])).any()


def test_the_published_years_reach_from_2014_to_the_last_notice() -> None:
    assert_array_equal(
        CN.is_published(numbers("2013-12-31", "2014-01-01", "2026-12-31", "2027-01-01")), [False, True, True, False]
    )


def test_days_off_are_told_by_their_festival_and_shifted_workdays_are_workdays() -> None:
    # days off of the seven festivals of 2026, as the notice lists them (国办发明电〔2025〕7号)
    found = np.bincount(CN.occasion(year(2026)), minlength=len(Occasion))
    assert_array_equal(found[2:], [3, 9, 3, 5, 3, 3, 7, 0, 0])
    assert_array_equal(CN.occasion(numbers("2026-02-14", "2026-02-28", "2026-03-01")), [0, 0, Occasion.WEEKEND])
    assert_array_equal(CN.occasion(numbers("2015-09-03", "2015-09-06")), [Occasion.OTHER, Occasion.WORKDAY])
    # the Mid-Autumn day inside the break of National Day keeps its name
    assert_array_equal(CN.occasion(numbers("2025-10-06", "2025-10-07")), [Occasion.MID_AUTUMN, Occasion.NATIONAL_DAY])


@pytest.mark.parametrize("calendar", [CN, UK], ids=["CN", "GB-EAW"])
def test_occasions_and_workdays_never_contradict_each_other(calendar: WorkCalendar) -> None:
    days = np.arange(calendar.first_day, calendar.last_day + 1)
    assert_array_equal(calendar.occasion(days) == Occasion.WORKDAY, calendar.is_workday(days))
    assert_array_equal(calendar.occasion(days) >= Occasion.NEW_YEAR, holidays(calendar, days))
    outside = np.array([calendar.first_day - 1, calendar.last_day + 1])
    assert_array_equal(calendar.occasion(outside), [Occasion.UNPUBLISHED] * 2)


def test_no_days_give_no_answers() -> None:
    none = np.zeros(0, np.int64)
    assert CN.is_workday(none).shape == (0,)
    assert CN.kind(none).shape == (0,)


@pytest.mark.parametrize("calendar", [CN, UK], ids=["CN", "GB-EAW"])
def test_arrays_agree_with_the_rule_day_by_day(calendar: WorkCalendar) -> None:
    days = np.arange(calendar.first_day - 10, calendar.last_day + 10)
    expected = []
    for day in days:
        row = calendar.rows.get(int(day))
        weekend = (date(1970, 1, 1) + timedelta(days=int(day))).weekday() >= 5
        expected.append(row.kind == "workday" if row else not weekend)
    assert_array_equal(calendar.is_workday(days), expected)


def test_every_shifted_workday_is_a_weekend_day_and_every_name_has_two_languages() -> None:
    for row in table("holidays_cn", Holiday):
        assert row.kind == "holiday" or row.date.weekday() >= 5, row
        assert row.name_zh
        assert row.name_en.isascii()
        assert "发明电〔" in row.source


def test_every_chinese_year_has_its_seven_festivals() -> None:
    names = {"元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"}
    for which in range(2014, 2027):
        found = {row.name_zh for row in table("holidays_cn", Holiday) if row.date.year == which}
        # in 2015/2020/2023 the mid-autumn festival fell into or next to the National Day break
        assert names - found <= {"中秋节"}, which


def test_bank_holidays_of_england_and_wales() -> None:
    # 2020: early May moved to Friday 8 May; 2022: 2 and 3 June, 19 September, Christmas on Sunday moved to Tuesday 27
    assert_array_equal(UK.is_workday(numbers("2020-05-04", "2020-05-08")), [True, False])
    off = numbers("2022-06-02", "2022-06-03", "2022-09-19", "2022-12-26", "2022-12-27")
    assert holidays(UK, off).all()
    assert UK.is_workday(numbers("2022-05-30", "2022-12-28")).all()
    assert [int(holidays(UK, year(y)).sum()) for y in range(2014, 2023)] == [8] * 8 + [10]


def test_a_local_calendar_and_its_country_give_workdays_of_instants() -> None:
    calendar = LocalCalendar("Asia/Shanghai")
    instants = np.array([1_767_196_799, 1_767_196_800])  # 2025-12-31 23:59:59 and 2026-01-01 00:00:00 in Shanghai
    workdays = work_calendar(country_of("Asia/Shanghai")).is_workday(calendar.day_number(instants))
    assert_array_equal(workdays, [True, False])


def test_an_unknown_country_or_zone_has_no_answer() -> None:
    with pytest.raises(MissingReference, match="'FR'; known: CN, GB-EAW"):
        work_calendar("FR")
    with pytest.raises(MissingReference, match="Europe/Paris"):
        country_of("Europe/Paris")
