"""Questions that several dashboards ask."""

from __future__ import annotations

from typing import Final

from analytics.clocks import WARN_S
from dashboards.queries import EVER, RANGE, Column, Select, Where, at_least, back, below, equal, select
from dashboards.words import Words
from energy.model import Category
from energy.storage.schema import DIRECTORY, FINDING, INDICATOR, METER_STATUS, TARGET, TOTAL, Measurement

ENERGY_CALIBER: Final = "gb2589_equivalent_value"
YEAR: Final = back(366)
"""Newest row of a year's measure, whichever year the range ends in."""
MONTH: Final = back(32)
RECENT: Final = back(62)
"""Newest daily row, even when the jobs have rested for a while."""

Places = tuple[Where, ...]


def totals(
    places: Places,
    *columns: Column | str,
    period: str = "day",
    category: str | Category | None = None,
    item: Where | None = None,
    span: str = RANGE,
    group: tuple[str, ...] = (),
) -> Select:
    """From `total`: the whole of a category unless an item is named."""
    what = () if category is None else (equal("category", str(category)),)
    where = (*places, equal("period", period), *what, item or equal("item", "all"))
    return select(TOTAL, *columns, where=where, span=span, group=group)


def indicator(
    places: Places, *columns: Column | str, key: str, period: str, span: str = YEAR, group: tuple[str, ...] = ()
) -> Select:
    """From `indicator`, standard coal by the caliber of the national statistics."""
    caliber = (equal("caliber", ENERGY_CALIBER),) if key.startswith("energy") else ()
    where = (*places, equal("period", period), equal("indicator", key), *caliber)
    return select(INDICATOR, *columns, where=where, span=span, group=group)


def heard(places: Places, category: str | None = None) -> Select:
    """Meters that should have spoken and that did, in the month at the end of the range."""
    newest = totals(
        places,
        Column.newest("n_reporting"),
        Column.newest("n_expected"),
        period="month",
        category=category,
        span=MONTH,
        group=("id", "category"),
    )
    return select(newest, Column("sum({n_reporting})", "reporting"), Column("sum({n_expected})", "expected"))


def coverage(places: Places, *, group: tuple[str, ...] = ()) -> Select:
    """Mean completeness of all days and categories."""
    return totals(places, Column("mean({coverage})", "coverage"), group=group)


def names(w: Words, scope: str, *where: Where, more: tuple[str, ...] = ()) -> Select:
    """Ids with their names, to be joined with figures."""
    return select(
        DIRECTORY,
        "id",
        Column(f"{{name_{w.language}}}", "name"),
        *more,
        where=(equal("scope", scope), *where),
        span=EVER,
    )


def in_region(name: str = "region") -> Where:
    """Inside the chosen subtree."""
    return below(name, "$region")


def counted(source: Measurement, field: str, test: str, *where: Where, group: tuple[str, ...]) -> Select:
    """How many newest values pass a test that gives 1 or 0, like `floor({newest} / 3)` for 3 among 0 to 3.

    A count of rows that pass would be absent, not zero, where none does.
    """
    newest = select(source, Column.newest(field, "newest"), where=where, span=RECENT, group=group)
    return select(select(newest, Column(test, "passed")), Column("sum({passed})", "n"))


def targets_at(stage: float, places: Places) -> Select:
    """Targets of these places at this stage or a higher one."""
    return counted(TARGET, "stage", f"floor({{newest}} + {1 - stage + 1e-9:.9f})", *places, group=("id", "indicator"))


def silent(*places: Where) -> Select:
    """Meters of these places that have been silent for more than a day or were never heard."""
    return counted(METER_STATUS, "state", "floor({newest} / 2)", *places, group=("meter",))


def clocks_off(*places: Where) -> Select:
    """Meters of these places whose clock is off: a share that reaches 1 at the limit and never 2."""
    far = f"floor(2 * abs({{newest}}) / (abs({{newest}}) + {WARN_S:.0f}))"
    return counted(METER_STATUS, "clock_ahead_s", far, *places, group=("meter",))


def quiet(at_least_state: int, *places: Where) -> Select:
    """Meters of these places that are late (1), silent (2) or were never heard (3) today, with their institution."""
    fields = (Column.newest("state"), Column("last({last_seen_s}) * 1000", "seen"))
    more = (Column.newest("coverage_day"), Column.newest("institution"))
    newest = select(METER_STATUS, *fields, *more, where=places, span=RECENT, group=("meter",))
    shown = ("state", "seen", "coverage_day", "institution")
    return select(newest, *shown, where=(at_least("state", at_least_state),), group=("meter",))


def findings(places: Places, *columns: Column | str, span: str = RANGE, group: tuple[str, ...] = ()) -> Select:
    """From `finding`."""
    return select(FINDING, *columns, where=places, span=span, group=group)


def findings_shown(w: Words, *places: Where) -> Select:
    """Findings as annotations of a chart."""
    texts = (Column(f"{{title_{w.language}}}", "title"), Column(f"{{text_{w.language}}}", "text"), "end_ms")
    return findings(places, *texts)
