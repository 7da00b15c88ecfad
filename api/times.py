"""Days and instants of a request, and the bounds of what may be asked at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query
from pydantic import AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema

from api.problems import wrong
from energy.intervals import LocalCalendar, Window

LONGEST_DAYS: Final = 3660
LONGEST_READINGS_DAYS: Final = 400
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIRST, _LAST = date(1990, 1, 1), date(2199, 12, 31)


def _day(raw: object) -> date:
    if isinstance(raw, date) and not isinstance(raw, datetime):
        return raw
    if isinstance(raw, str) and _DAY.fullmatch(raw):
        try:
            found = date.fromisoformat(raw)
        except ValueError:
            found = date.max
        if _FIRST <= found <= _LAST:
            return found
    raise ValueError(f"a date from {_FIRST} to {_LAST} like 2026-01-31")


Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-01-31"]}),
]
"""A local day."""


def rfc3339(instant: int) -> str:
    """An instant as text, in UTC."""
    return datetime.fromtimestamp(instant, UTC).isoformat().replace("+00:00", "Z")


def _instant(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and len(raw) <= 40 and raw[:1].isdigit() and not raw.isdigit():
        try:
            moment: datetime | None = datetime.fromisoformat(raw)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None and _FIRST.year <= moment.year <= _LAST.year:
            return int(moment.timestamp() // 1)
    raise ValueError("a time with offset like 2026-01-31T08:00:00+08:00")


Instant = Annotated[
    int,
    BeforeValidator(_instant),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T08:00:00+08:00"]}),
]
"""An instant: RFC 3339 outside, UTC epoch seconds inside."""


@dataclass(frozen=True, slots=True)
class Days:
    """Local days first .. last, both included."""

    first: date
    last: date

    def window(self, calendar: LocalCalendar) -> Window:
        """The days as instants of a calendar."""
        return calendar.window(self.first, self.last)


def days_of(
    first: Annotated[Day, Query(description="first local day")],
    last: Annotated[Day, Query(description=f"last local day, included; at most {LONGEST_DAYS} days")],
) -> Days:
    """The days a request asks for; every question is bounded in time."""
    if not timedelta() <= last - first < timedelta(days=LONGEST_DAYS):
        raise wrong("query.last", f"first <= last and at most {LONGEST_DAYS} days", f"{first} .. {last}")
    return Days(first, last)


Between = Annotated[Days, Depends(days_of)]


def window_of(
    start: Annotated[AwareDatetime, Query(description="from this instant on")],
    end: Annotated[AwareDatetime, Query(description=f"before this instant; at most {LONGEST_READINGS_DAYS} days on")],
) -> Window:
    """The instants [start, end) a request asks for."""
    if not (_FIRST.year <= start.year and end.year <= _LAST.year):
        raise wrong("query.start", f"times from {_FIRST} to {_LAST}", f"{start} .. {end}")
    if not timedelta() <= end - start <= timedelta(days=LONGEST_READINGS_DAYS):
        raise wrong("query.end", f"start <= end and at most {LONGEST_READINGS_DAYS} days", f"{start} .. {end}")
    return Window(int(start.timestamp()), int(end.timestamp()))


Within = Annotated[Window, Depends(window_of)]
