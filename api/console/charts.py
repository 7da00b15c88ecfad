"""Charts as data: what ECharts draws and, for those who cannot see it, the same figures as a table.

Colours are names of the style sheet (`var(--measured)`), so that one colour means one thing everywhere. An unknown
value is null and leaves a gap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from api.console.figures import Periods, TargetState
from api.console.show import Show
from energy.intervals import LocalCalendar
from energy.series import FloatArray, IntArray
from energy.units import CANONICAL

Option = dict[str, Any]
HOURS = [f"{hour:02d}" for hour in range(24)]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: ECharts' option, the unit of its figures, its heading, and its table."""

    title: str
    unit: str
    option: Option
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    height: int = 260
    note: str = ""
    is_empty: bool = field(default=False)


def known(values: FloatArray) -> list[float | None]:
    """Numbers for JSON: unknown is null."""
    return [None if math.isnan(v) else round(v, 4) for v in values.tolist()]


def consumption(put: Show, words: Mapping[str, str], periods: Periods, period: str, title: str) -> Chart:
    """Measured bars over the expected band, last year as a line."""
    labels = [put.month(t) if period == "month" else str(put.day(t)) for t in periods.start.tolist()]
    low, high = periods["expected_low"], periods["expected_high"]
    series: list[Option] = []
    if np.isfinite(high).any():
        band = {
            "type": "line", "stack": "band", "symbol": "none", "lineStyle": {"opacity": 0}, "silent": True, "z": 3,
            "tooltip": {"show": False},  # its upper half is the width, which would read like an amount
        }  # fmt: skip
        colour = {"color": "var(--expected-band)", "opacity": 1}
        series += [
            {**band, "name": words["expected_low"], "data": known(low), "itemStyle": {"color": "var(--expected)"}},
            {
                **band,
                "name": words["expected_band"],
                "data": known(high - low),
                "areaStyle": colour,
                "itemStyle": {"color": "var(--expected-band)"},
            },
        ]
    series.append(_bars(words["measured"], periods["amount"], "var(--measured)"))
    lines = (("expected", "var(--expected)", "solid"), ("last_year", "var(--last-year)", "dashed"))
    for name, colour_name, kind in lines:
        if np.isfinite(periods[name]).any():
            series.append(_line(words[name], periods[name], colour_name, kind))
    names = ("amount", "expected", "expected_low", "expected_high", "last_year", "coverage")
    shown = [name for name in names if np.isfinite(periods[name]).any()]
    rows = [
        [label, *(put.share(periods[n][i]) if n == "coverage" else put.num(periods[n][i]) for n in shown)]
        for i, label in enumerate(labels)
    ]
    heads = [words["period"], *(words[{"amount": "measured"}.get(n, n)] for n in shown)]
    return Chart(title, put.unit(periods.unit), _axes(labels, series), heads, rows, is_empty=not len(periods))


def _bars(name: str, values: FloatArray, colour: str) -> Option:
    return {"name": name, "type": "bar", "barMaxWidth": 22, "data": known(values), "itemStyle": {"color": colour}}


def _line(name: str, values: FloatArray, colour: str, kind: str = "solid") -> Option:
    style = {"color": colour, "width": 2, "type": kind}
    data = known(values)
    return {
        "name": name,
        "type": "line",
        "symbol": "none",
        "data": data,
        "lineStyle": style,
        "itemStyle": {"color": colour},
    }


def _axes(labels: Sequence[str], series: list[Option]) -> Option:
    return {
        "grid": {"left": 8, "right": 28, "top": 36, "bottom": 8, "containLabel": True},
        "legend": {
            "type": "scroll",
            "top": 0,
            "left": 0,
            "data": [s["name"] for s in series if not s.get("silent") or "areaStyle" in s],
        },
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": list(labels), "axisTick": {"show": False}},
        "yAxis": {"type": "value", "splitNumber": 4},
        "series": series,
    }


def heat_map(put: Show, words: Mapping[str, str], days: IntArray, hours: FloatArray, unit: str, title: str) -> Chart:
    """Hours of the day against days; an unknown hour is left white."""
    labels = [str(put.day(t)) for t in days.tolist()]
    cells = [
        [d, h, round(float(hours[d, h]), 3)] for d in range(len(labels)) for h in range(24) if np.isfinite(hours[d, h])
    ]
    top = float(np.nanmax(hours)) if cells else 1.0
    option = {
        "grid": {"left": 8, "right": 12, "top": 8, "bottom": 44, "containLabel": True},
        "tooltip": {"position": "top"},
        "xAxis": {"type": "category", "data": labels, "splitArea": {"show": False}},
        "yAxis": {"type": "category", "data": HOURS, "inverse": True},
        "visualMap": {
            "min": 0,
            "max": top,
            "calculable": True,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "itemHeight": 120,
            "itemWidth": 10,
            "precision": 0,
            "inRange": {"color": ["#eef5f4", "#7fb8b3", "#0b6e69", "#063f3c"]},
        },
        "series": [{"type": "heatmap", "name": title, "data": cells}],
    }
    mean = _mean_of_columns(hours)
    rows = [[f"{hour}:00", put.num(mean[i])] for i, hour in enumerate(HOURS)]
    heads = [words["hour"], words["mean_day"]]
    return Chart(title, put.unit(unit), option, heads, rows, height=320, is_empty=not cells)


def _mean_of_columns(hours: FloatArray) -> FloatArray:
    n = np.isfinite(hours).sum(axis=0)
    return np.where(n > 0, np.nansum(hours, axis=0) / np.maximum(n, 1), np.nan)


def sankey(
    put: Show, words: Mapping[str, str], flows: Sequence[tuple[str, str, float]], unit: str, title: str
) -> Chart:
    """Where the energy of the main meters goes; what no meter below explains flows into the rest."""
    names = list(dict.fromkeys(name for a, b, _ in flows for name in (a, b)))
    rest = words["unallocated"]
    colours = {name: "var(--unknown)" if name.startswith(rest) else "var(--measured)" for name in names}
    option = {
        "tooltip": {"trigger": "item"},
        "series": [
            {
                "type": "sankey",
                "left": 8,
                "right": 140,
                "top": 8,
                "bottom": 8,
                "nodeGap": 12,
                "nodeWidth": 14,
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "layoutIterations": 0,
                "data": [{"name": name, "itemStyle": {"color": colours[name]}} for name in names],
                "links": [{"source": a, "target": b, "value": round(v, 2)} for a, b, v in flows],
                "lineStyle": {"color": "source", "opacity": 0.22},
            }
        ],
    }
    rows = [[a, b, put.num(v)] for a, b, v in flows]
    heads = [words["from"], words["to"], words["amount"]]
    return Chart(title, put.unit(unit), option, heads, rows, height=340, is_empty=not flows)


def gauge(put: Show, words: Mapping[str, str], state: TargetState, title: str) -> Chart:
    """Used and forecast share of a year's target, with its stages."""
    used = state.used_share if math.isfinite(state.used_share) else state.used / state.target
    forecast = state.forecast_share
    most = max([1.2, *(v for v in (used, forecast) if math.isfinite(v))])
    n_ticks = math.ceil(most / 0.2)
    top = 0.2 * n_ticks
    stages = (("ok", 0.8), ("80", 0.9), ("90", 1.0), ("100", top))
    bands = [[end / top, f"var(--band-{name})"] for name, end in stages]
    common = {
        "type": "gauge",
        "min": 0,
        "max": 20 * n_ticks,
        "startAngle": 200,
        "endAngle": -20,
        "radius": "98%",
        "center": ["50%", "62%"],
        "splitNumber": n_ticks,
        "axisTick": {"show": False},
    }
    shown = {
        "axisLine": {"lineStyle": {"width": 14, "color": bands}},
        "splitLine": {"length": 14, "distance": -14, "lineStyle": {"color": "#fff", "width": 2}},
        "axisLabel": {"distance": 20, "fontSize": 11},
        "pointer": {"length": "58%", "width": 5},
        "itemStyle": {"color": "var(--measured)"},
        "title": {"show": False},
        "detail": {"offsetCenter": [0, "34%"], "fontSize": 20, "formatter": "{value} %"},
    }
    hidden = {name: {"show": False} for name in ("axisLine", "splitLine", "axisLabel", "detail", "title")}
    needle = {"pointer": {"length": "80%", "width": 3}, "itemStyle": {"color": "var(--target)"}}
    series = [{**common, **shown, "name": words["used_share"], "data": _percent(used, words["used_share"])}]
    if math.isfinite(forecast):
        series.append({**common, **hidden, **needle, "data": _percent(forecast, words["forecast_share"])})
    rows = [
        [words["target"], put.num(state.target)],
        [words["used"], put.num(state.used)],
        [words["used_share"], put.share(used, 1)],
        [words["expected_share"], put.share(state.expected_share, 1)],
        [words["forecast"], put.num(state.forecast)],
        [words["forecast_share"], put.share(forecast, 1)],
    ]
    option = {"tooltip": {"trigger": "item"}, "series": series}
    return Chart(title, "%", option, [words["figure"], words["value"]], rows, height=210)


def _percent(share: float, name: str) -> list[Option]:
    return [{"value": round(100 * share, 1), "name": name}] if math.isfinite(share) else []


def lines(
    put: Show,
    words: Mapping[str, str],
    times: IntArray,
    named: Sequence[tuple[str, FloatArray, str]],
    unit: str,
    title: str,
    *,
    marked: tuple[int, int] | None = None,
    mark: str = "",
    step: bool = False,
) -> Chart:
    """Curves over time, the given span marked."""
    # ECharts knows the browser's time zone and UTC, not the site's: it is given the site's clock as if it were UTC.
    local = LocalCalendar(put.zone).to_local
    stamps = (1000 * local(times)).tolist()
    series: list[Option] = []
    for place, (name, values, colour) in enumerate(named):
        data = list(zip(stamps, known(values), strict=True))
        one = {**_line(name, values, colour), "data": data, "z": 3 + len(named) - place}  # the first above all others
        series.append({**one, "step": "end"} if step else one)
    if marked and series:
        area = {
            "silent": True,
            "itemStyle": {"color": "var(--mark)"},
            "label": {"position": "insideTop", "color": "var(--stage-90)"},
        }
        first, last = (1000 * local(np.array(marked, np.int64))).tolist()
        area["data"] = [[{"xAxis": first, "name": mark}, {"xAxis": last}]]
        series[0]["markArea"] = area
    option = _axes([], series)
    option["useUTC"] = True
    option["xAxis"] = {"type": "time"}
    option["yAxis"]["scale"] = step
    every = max(1, len(stamps) // 200)
    rows = [
        [put.when(t), *(put.num(values[i]) for _, values, _ in named)]
        for i, t in list(enumerate(times.tolist()))[::every]
    ]
    note = words["every_nth"].format(n=every) if every > 1 else ""
    heads = [words["time"], *(name for name, _, _ in named)]
    return Chart(title, put.unit(unit), option, heads, rows, note=note, is_empty=not len(stamps))


def ranking(put: Show, words: Mapping[str, str], named: Sequence[tuple[str, float]], unit: str, title: str) -> Chart:
    """Bars from the largest to the smallest."""
    ordered = sorted(((n, v) for n, v in named if math.isfinite(v)), key=lambda pair: pair[1])
    option = {
        "grid": {"left": 8, "right": 48, "top": 8, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {"type": "value", "splitNumber": 3},
        "yAxis": {
            "type": "category",
            "data": [n for n, _ in ordered],
            "axisTick": {"show": False},
            "axisLabel": {"width": 190, "overflow": "truncate"},
        },
        "series": [_bars(title, np.array([v for _, v in ordered]), "var(--measured)")],
    }
    rows = [[n, put.num(v)] for n, v in reversed(ordered)]
    heads = [words["name"], words["value"]]
    return Chart(title, put.unit(unit), option, heads, rows, height=max(140, 26 * len(ordered)), is_empty=not ordered)


def unit_of(category: str) -> str:
    """Canonical unit of a category's name."""
    return {c.value: u for c, u in CANONICAL.items()}[category]
