"""Which heating season holds where: stated by the nearest place, else by the table, else assumed and called so."""

from __future__ import annotations

from datetime import date

from energy.heating import HeatingCalendar
from energy.registry import HeatingSeason

ABOVE = ("institution:court", "region:370602", "region:370600")


def row(scope: str, name: str, begins: str, ends: str, **columns: date) -> HeatingSeason:
    return HeatingSeason(scope, name, begins, ends, "notice", "sure", **columns)  # type: ignore[arg-type]


def days(calendar: HeatingCalendar, year: int) -> tuple[date, date]:
    season = calendar.season(year)
    return season.first, season.last


def test_the_nearest_place_that_states_a_season_counts() -> None:
    city, court = row("region", "370600", "11-20", "04-01"), row("institution", "court", "11-05", "03-25")
    assert days(HeatingCalendar.of([city], ABOVE), 2025) == (date(2025, 11, 20), date(2026, 4, 1))
    assert days(HeatingCalendar.of([city, court], ABOVE), 2025) == (date(2025, 11, 5), date(2026, 3, 25))


def test_a_row_of_one_winter_holds_for_that_winter() -> None:
    longer = row("region", "370600", "11-10", "04-10", valid_from=date(2025, 7, 1), valid_to=date(2026, 7, 1))
    calendar = HeatingCalendar.of([longer], ABOVE)
    assert days(calendar, 2025) == (date(2025, 11, 10), date(2026, 4, 10))
    assert days(calendar, 2026) == (date(2026, 11, 16), date(2027, 3, 31))  # of Yantai, by the table


def test_the_table_says_where_it_is_from() -> None:
    season = HeatingCalendar.of([], ("region:370200",)).season(2025)
    assert (season.first, season.last) == (date(2025, 11, 16), date(2026, 4, 5))
    assert "DB37/5026-2022" in season.source
    assert season.confidence == "seen"
    assert not season.is_assumed


def test_elsewhere_the_season_is_an_assumption() -> None:
    season = HeatingCalendar.of([], ("region:990101", "region:990000")).season(2025)
    assert (season.first, season.last) == (date(2025, 11, 15), date(2026, 3, 15))
    assert season.is_assumed
    assert season.confidence == "unsure"
