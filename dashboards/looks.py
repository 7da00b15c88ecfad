"""One colour means one thing, one quantity has one unit: what panels of all dashboards share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Final

from analytics.jobs.standing import Hearing
from analytics.progress import OUTLOOK_WORDS, Outlook
from dashboards.panels import UNKNOWN, Json, colour, known_from_zero, look, steps, words_for
from dashboards.words import Words
from energy.model import Category, Reason, State
from energy.reference import Code, category_code, code, indicators
from energy.units import CANONICAL

MEASURED: Final = "#0B6E69"
EXPECTED: Final = "#8494A3"
LAST_YEAR: Final = "#B9C3CC"
TARGET: Final = "#7A5CA8"
GOOD: Final = "#3A9D5D"
NEAR: Final = "#E2B100"
CLOSE: Final = "#E57C23"
OVER: Final = "#C8372D"
QUIET: Final = UNKNOWN

CATEGORY: Final = {
    Category.ELECTRICITY: "#2E78C7",
    Category.WATER: "#27A5B8",
    Category.GAS: "#8B6CC1",
    Category.HEAT: "#B4537C",
    Category.COOLING: "#6FB1E8",
}
_ITEMS: Final = {"A": "#2E78C7", "B": "#27A5B8", "C": "#8B6CC1", "D": "#B4537C", "unallocated": QUIET}
_UNITS: Final = {"kWh": "kwatth", "m3": "suffix: m³", "GJ": "suffix: GJ"}
_DECIMALS: Final = {"kWh": None, "m3": 0, "GJ": 1}

DAY_MS: Final = 24 * 3600 * 1000
DAYS_APART: Final = DAY_MS * 3 // 2
"""Daily values further apart than this have a gap between them."""

COVERAGE: Final = steps((None, OVER), (0.9, NEAR), (0.97, GOOD))
USED: Final = steps((None, GOOD), (0.8, NEAR), (0.9, CLOSE), (1.0, OVER))
FEW: Final = steps((None, GOOD), (1, CLOSE))


def unit(category: Category) -> str:
    """Grafana's unit of amounts of this category."""
    return _UNITS[CANONICAL[category]]


def amounts(w: Words) -> tuple[Json, ...]:
    """Word, unit and colour of each category where a line or column is called by its key."""
    return tuple(
        look(
            category.value,
            _name(w, category_code(category)),
            unit=unit(category),
            decimals=_DECIMALS[CANONICAL[category]],
            color=colour(shade),
        )
        for category, shade in CATEGORY.items()
    )


def units_by_prefix() -> tuple[Json, ...]:
    """The unit of `electricity.amount` and all other fields whose name begins with the category."""
    return tuple(
        look(f"/^{category.value}/", unit=unit(category), decimals=_DECIMALS[CANONICAL[category]])
        for category in CATEGORY
    )


def compared(w: Words, *, last_year_fill: int = 0) -> tuple[Json, ...]:
    """Measured, expected with its band, last year: the same look on every dashboard."""
    thin = {"custom__lineWidth": 0, "custom__fillOpacity": 0, "custom__showPoints": "never"}
    return (
        *units_by_prefix(),
        look("/amount$/", w("measured"), color=colour(MEASURED)),
        look(
            "/expected$/",
            w("expected"),
            color=colour(EXPECTED),
            custom__lineStyle={"fill": "dash", "dash": [8, 6]},
            custom__fillOpacity=0,
        ),
        look("/expected_low$/", w("band_low"), color=colour(EXPECTED), **thin, custom__hideFrom=_unlisted()),
        look(
            "/expected_high$/",
            w("band"),
            color=colour(EXPECTED),
            custom__lineWidth=0,
            custom__showPoints="never",
            custom__fillBelowTo=w("band_low"),
            custom__fillOpacity=16,
        ),
        look("/last_year$/", w("last_year"), color=colour(LAST_YEAR), custom__fillOpacity=last_year_fill),
    )


def months(w: Words) -> tuple[Json, ...]:
    """The same for bars by month, which are filled."""
    return look("Time", unit="time:YYYY-MM"), *compared(w, last_year_fill=80)


def _unlisted() -> Json:
    return {"legend": True, "tooltip": False, "viz": False}


def items(w: Words) -> tuple[Json, ...]:
    """Word and colour of each end use."""
    named = {letter: _name(w, code("item", letter)) for letter in "ABCD"} | {"unallocated": w("unallocated")}
    return tuple(look(key, text, color=colour(_ITEMS[key])) for key, text in named.items())


def categories(w: Words) -> dict[str, str]:
    """Words of the categories a viewer can choose."""
    return {category.value: _name(w, category_code(category)) for category in CATEGORY}


def _name(w: Words, found: Code) -> str:
    return w.of(found.name_zh, found.name_en[:1].upper() + found.name_en[1:])


def indicator_names(w: Words) -> list[Json]:
    """Indicators by name and unit."""
    found = {
        key: (w.of(row.name_zh, row.name_en) + f" · {row.unit.replace('m2', 'm²').replace('m3', 'm³')}", None)
        for key, row in indicators().items()
    }
    return words_for(found)


def stages(w: Words) -> list[Json]:
    """Stages of a target."""
    found: dict[str, tuple[str, str | None]] = {
        "0": (w("stage.none"), GOOD),
        "0.8": ("80 %", NEAR),
        "0.9": ("90 %", CLOSE),
        "1": ("100 %", OVER),
    }
    return words_for(found, unknown=w("unknown"))


def outlooks(w: Words) -> list[Json]:
    """Whether a target will hold."""
    shades = {Outlook.UNKNOWN: QUIET, Outlook.ON_TRACK: GOOD, Outlook.WATCH: NEAR, Outlook.OVER: OVER}
    return words_for({str(int(o)): (w.of(*words), shades[o]) for o, words in OUTLOOK_WORDS.items()}, unknown="-")


def interval_states(w: Words) -> list[Json]:
    """Where the amount of an interval comes from."""
    shades = {State.MEASURED: MEASURED, State.ESTIMATED: NEAR, State.CORRECTED: TARGET, State.SPREAD: OVER}
    return words_for({str(int(s)): (w(f"state.{s.name.lower()}"), shades[s]) for s in State})


def hearings(w: Words) -> list[Json]:
    """How long a meter has been silent."""
    shades = {Hearing.HEARD: GOOD, Hearing.LATE: NEAR, Hearing.SILENT: OVER, Hearing.NEVER: QUIET}
    return words_for({str(int(h)): (w(f"hearing.{h.name.lower()}"), shades[h]) for h in Hearing})


def open_or_closed(w: Words) -> list[Json]:
    """State of a finding."""
    return words_for({"1": (w("open"), CLOSE), "0": (w("closed"), GOOD)})


def reasons(w: Words) -> tuple[Json, ...]:
    """Words for what became of readings."""
    good = {"stored": (w("reason.stored"), MEASURED), "duplicate": (w("reason.duplicate"), LAST_YEAR)}
    shades = cycle((CLOSE, NEAR, TARGET, OVER, EXPECTED, CATEGORY[Category.HEAT]))
    parked = {reason.value: (w(f"reason.{reason.value}"), shade) for reason, shade in zip(Reason, shades, strict=False)}
    return tuple(look(key, text, color=colour(shade)) for key, (text, shade) in (good | parked).items())


def gauge_cell(name: str, label: str, *, limits: Json, unit: str, top: float | None = None, **more: object) -> Json:
    """A column of bars."""
    return look(
        name,
        label,
        unit=unit,
        min=0,
        max=top,
        thresholds=known_from_zero(limits),
        custom__cellOptions={"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        **more,
    )


def painted(name: str, label: str, mappings: Sequence[Json], *, width: int | None = None) -> Json:
    """A column of words in their colours."""
    return look(
        name,
        label,
        mappings=list(mappings),
        custom__cellOptions={"type": "color-text"},
        custom__width=width,
    )


def hidden(*names: str) -> tuple[Json, ...]:
    """Columns that only links need."""
    return tuple(look(name, custom__hidden=True) for name in names)
