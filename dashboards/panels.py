"""Panels as values: what is asked, how it looks, and the JSON that Grafana reads. Only panels that ship with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from dashboards.queries import Select

Json = dict[str, Any]
SOURCE: Final[Json] = {"type": "influxdb", "uid": "jieneng"}
"""The one data source, by its uid."""
_TWO_HOURS_MS: Final = 2 * 3600 * 1000
_COLUMN_PX: Final = 84
"""The narrowest column of a table: with what is usual a laptop shows three."""
_LABEL_PX: Final = 60
"""Room for a month under its bars; labels that find none are left out."""
INK: Final = "#46535F"
"""Figures that have no colour of their own."""
UNKNOWN: Final = "#9AA6B1"
"""What is said where a figure would have a colour and there is none."""
Kind = Literal[
    "stat", "gauge", "timeseries", "barchart", "table", "heatmap", "state-timeline", "piechart", "text", "row"
]


@dataclass(frozen=True, slots=True)
class Target:
    """A query of a panel: as lines by their alias (`$col`, `$tag_category`), or as a table."""

    query: Select
    shape: Literal["time_series", "table"] = "time_series"
    alias: str = "$col"

    def json(self, number: int) -> Json:
        """The target with its letter."""
        return {
            "refId": "ABCDEFGHIJ"[number],
            "datasource": SOURCE,
            "query": str(self.query),
            "rawQuery": True,
            "resultFormat": self.shape,
            "alias": self.alias,
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `key` names its title (`key`) and its one-line explanation (`key.about`) in the catalogue."""

    key: str
    kind: Kind
    width: int
    height: int
    targets: tuple[Target, ...] = ()
    options: Mapping[str, Any] | None = None
    defaults: Mapping[str, Any] | None = None
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()

    def sized(self, width: int, height: int) -> Panel:
        """The same panel in another size."""
        return replace(self, width=width, height=height)


def lines(*queries: Select, alias: str = "$col") -> tuple[Target, ...]:
    """Queries whose answers are lines."""
    return tuple(Target(query, "time_series", alias) for query in queries)


def rows(*queries: Select) -> tuple[Target, ...]:
    """Queries whose answers are tables."""
    return tuple(Target(query, "table", "") for query in queries)


def look(name: str, label: str | None = None, **properties: Any) -> Json:
    """How the field of this name is shown. A name `/.../` is a pattern; `custom__x` stands for `custom.x`."""
    matcher = "byRegexp" if name.startswith("/") else "byName"
    given = {"displayName": label, **properties}
    return {
        "matcher": {"id": matcher, "options": name},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in given.items() if value is not None
        ],
    }


def colour(value: str) -> Json:
    """One fixed colour."""
    return {"mode": "fixed", "fixedColor": value}


def steps(*limits: tuple[float | None, str]) -> Json:
    """Thresholds, the lowest first with None as its limit."""
    return {"mode": "absolute", "steps": [{"value": limit, "color": shade} for limit, shade in limits]}


def known_from_zero(limits: Json) -> Json:
    """The same limits for figures from zero on: what is unknown gets a colour of its own, not that of the lowest."""
    lowest, *others = limits["steps"]
    return steps((None, UNKNOWN), (0, lowest["color"]), *((step["value"], step["color"]) for step in others))


def stat(
    key: str,
    *targets: Target,
    width: int = 4,
    height: int = 5,
    unit: str = "none",
    decimals: int | None = None,
    reduce: str = "lastNotNull",
    limits: Json | None = None,
    shade: str | None = None,
    overrides: Sequence[Json] = (),
    mappings: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    named: bool = False,
    beside: bool = False,
    absent: str | None = None,
) -> Panel:
    """One figure, or those of several fields (`named`) or series (`beside`).

    `absent` is said where no rows mean that there is nothing, rather than that nothing is known.
    """
    defaults: Json = {"unit": unit, "mappings": list(mappings)}
    if absent is not None:
        defaults["noValue"] = absent
    if decimals is not None:
        defaults["decimals"] = decimals
    if limits is not None:
        shown = limits if absent is not None else known_from_zero(limits)
        defaults |= {"thresholds": shown, "color": {"mode": "thresholds"}}
    else:
        defaults["color"] = colour(shade or INK)
    options: Json = {
        "reduceOptions": {"calcs": [reduce], "fields": "/.*/" if named else "", "values": False},
        "graphMode": "none",
        "colorMode": "value",
        "justifyMode": "auto",
        "textMode": "value_and_name" if named or beside else "value",
        "orientation": "vertical" if named or beside else "auto",
        "wideLayout": True,
        "text": {"valueSize": 28, "titleSize": 13},
    }
    return Panel(key, "stat", width, height, targets, options, defaults, tuple(overrides), tuple(transformations))


def gauge(
    key: str, *targets: Target, width: int = 4, height: int = 6, limits: Json, top: float, reduce: str = "lastNotNull"
) -> Panel:
    """A share against its limits."""
    return Panel(
        key,
        "gauge",
        width,
        height,
        targets,
        {"reduceOptions": {"calcs": [reduce], "fields": "", "values": False}, "showThresholdMarkers": True},
        {"unit": "percentunit", "decimals": 1, "min": 0, "max": top, "thresholds": known_from_zero(limits)},
    )


def course(
    key: str,
    *targets: Target,
    width: int = 12,
    height: int = 8,
    unit: str = "none",
    bars: bool = False,
    stacked: bool = False,
    fill: int = 8,
    gap_ms: int | None = None,
    overrides: Sequence[Json] = (),
    low: float | None = 0,
    high: float | None = None,
    legend: Sequence[str] = (),
    decimals: int | None = None,
    absent: str | None = None,
) -> Panel:
    """Values over time; a distance of more than `gap_ms` is shown as the gap it is."""
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineWidth": 1 if bars else 2,
        "fillOpacity": 75 if bars else fill,
        "gradientMode": "none",
        "showPoints": "auto",
        "spanNulls": False,
        "axisBorderShow": False,
        "barAlignment": 1,
        "barWidthFactor": 0.75,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    if low is not None:
        custom["axisSoftMin"] = low
    if gap_ms is not None:
        custom["insertNulls"] = gap_ms
    defaults: Json = {"unit": unit, "custom": custom}
    for name, value in (("min", low), ("max", high), ("decimals", decimals), ("noValue", absent)):
        if value is not None:
            defaults[name] = value
    options: Json = {
        "legend": {"displayMode": "table" if legend else "list", "placement": "bottom", "calcs": list(legend)},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(key, "timeseries", width, height, targets, options, defaults, tuple(overrides))


def columns(
    key: str,
    *targets: Target,
    width: int = 12,
    height: int = 8,
    x: str = "Time",
    unit: str = "none",
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    horizontal: bool = False,
    stacked: bool = False,
    decimals: int | None = None,
    absent: str | None = None,
) -> Panel:
    """Bars side by side, one group for each value of `x`: months, institutions."""
    defaults: Json = {
        "unit": unit,
        "custom": {"fillOpacity": 80, "lineWidth": 0, "gradientMode": "none", "axisBorderShow": False},
    }
    for name, value in (("decimals", decimals), ("noValue", absent)):
        if value is not None:
            defaults[name] = value
    options: Json = {
        "xField": x,
        "orientation": "horizontal" if horizontal else "vertical",
        "stacking": "normal" if stacked else "none",
        "showValue": "never",
        "groupWidth": 0.75,
        "barWidth": 0.92,
        "barRadius": 0.05,
        "xTickLabelSpacing": 0 if horizontal else _LABEL_PX,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    blank = {"matcher": {"id": "byName", "options": x}, "properties": [{"id": "noValue", "value": " "}]}
    own = (blank, *overrides)  # a label left out for want of room is no value to Grafana, and would read "no data"
    return Panel(key, "barchart", width, height, targets, options, defaults, own, tuple(transformations))


def table(
    key: str,
    *targets: Target,
    width: int = 12,
    height: int = 9,
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    absent: str | None = None,
) -> Panel:
    """Rows and columns; `absent` is said where no rows mean that there is nothing."""
    defaults: Json = {"custom": {"align": "auto", "filterable": False, "inspect": False, "minWidth": _COLUMN_PX}}
    return Panel(
        key,
        "table",
        width,
        height,
        targets,
        {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
        defaults | ({"noValue": absent} if absent is not None else {}),
        tuple(overrides),
        tuple(transformations),
    )


def hour_map(key: str, target: Target, *, width: int = 12, height: int = 9, unit: str = "none") -> Panel:
    """Hour by day, from a table of 24 columns: the rhythm of a place at a glance."""
    options: Json = {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.6, "reverse": False},
        "cellGap": 0,
        "filterValues": {"le": 1e-9},
        "yAxis": {"axisPlacement": "left", "reverse": True},
        "rowsFrame": {"layout": "auto"},
        "cellValues": {"unit": unit},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": False},
    }
    return Panel(
        key, "heatmap", width, height, (target,), options, {"custom": {"scaleDistribution": {"type": "linear"}}}
    )


def states(
    key: str,
    *targets: Target,
    width: int = 24,
    height: int = 5,
    mappings: Sequence[Json],
    overrides: Sequence[Json] = (),
) -> Panel:
    """Which state held when."""
    options: Json = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.8,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    }
    defaults: Json = {
        "mappings": list(mappings),
        "custom": {"fillOpacity": 85, "lineWidth": 0, "spanNulls": _TWO_HOURS_MS},
    }
    return Panel(key, "state-timeline", width, height, targets, options, defaults, tuple(overrides))


def shares(
    key: str,
    *targets: Target,
    width: int = 8,
    height: int = 8,
    unit: str = "none",
    reduce: str = "sum",
    legend: Literal["right", "bottom"] = "right",
    overrides: Sequence[Json] = (),
) -> Panel:
    """Parts of a whole."""
    options: Json = {
        "reduceOptions": {"calcs": [reduce], "fields": "", "values": False},
        "pieType": "donut",
        "legend": {"displayMode": "table", "placement": legend, "values": ["value", "percent"], "showLegend": True},
        "tooltip": {"mode": "single"},
    }
    return Panel(key, "piechart", width, height, targets, options, {"unit": unit}, tuple(overrides))


def joined(by: str, *, mode: Literal["inner", "outer", "outerTabular"] = "outer") -> Json:
    """Put tables side by side where a column agrees: figures and names."""
    return {"id": "joinByField", "options": {"byField": by, "mode": mode}}


def named(*fields: str) -> tuple[Json, ...]:
    """Show names for the ids in these fields; the second and later queries give them, a field each, as `id`, `name`."""
    keys = {"id": "mappings.value", "name": "mappings.text", "Time": "__ignore"}
    mappings = [{"fieldName": column, "handlerKey": key} for column, key in keys.items()]
    return (
        *(
            {
                "id": "configFromData",
                "options": {
                    "configRefId": ref,
                    "mappings": mappings,
                    "applyTo": {"id": "byName", "options": field},
                },
            }
            for ref, field in zip("BC", fields, strict=False)
        ),
        {"id": "filterByRefId", "options": {"include": "A"}},  # where there is nothing to name, names would remain
    )


def only(*names: str) -> Json:
    """Keep these columns, in this order."""
    return {
        "id": "organize",
        "options": {
            "includeByName": dict.fromkeys(names, True),
            "indexByName": {name: place for place, name in enumerate(names)},
            "excludeByName": {},
            "renameByName": {},
        },
    }


def sorted_by(name: str, *, falling: bool = True) -> Json:
    """Order the rows."""
    return {"id": "sortBy", "options": {"sort": [{"field": name, "desc": falling}]}}


def first(count: int) -> Json:
    """Keep the first rows."""
    return {"id": "limit", "options": {"limitField": count}}


def words_for(values: Mapping[str, tuple[str, str | None]], *, unknown: str | None = None) -> list[Json]:
    """Show words, and a colour where one is given, instead of codes."""
    found: list[Json] = [
        {
            "type": "value",
            "options": {
                code: {"text": text, "index": place, **({"color": shade} if shade else {})}
                for place, (code, (text, shade)) in enumerate(values.items())
            },
        }
    ]
    if unknown is not None:
        found.append({"type": "special", "options": {"match": "null+nan", "result": {"text": unknown, "index": 99}}})
    return found
