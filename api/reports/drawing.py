"""A chart as rectangles, lines and words, so that PDF and picture look the same: origin at the lower left, points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from api.reports.document import Chart

COLOURS: Final = {"measured": "#2563a8", "expected": "#b45309", "last_year": "#9aa5b1"}
GRID: Final = "#dde3ea"
INK: Final = "#334155"
_SIZE: Final = 7.5
_ALONE: Final = 1.5
_LEFT, _BOTTOM, _TOP = 46.0, 20.0, 30.0


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 0.5
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """Text whose baseline begins, is centred or ends at x."""

    x: float
    y: float
    text: str
    size: float = _SIZE
    colour: str = INK
    anchor: str = "start"


Shape = Box | Stroke | Word


def draw(chart: Chart, width: float, height: float, *, measure: Callable[[str, float], float]) -> list[Shape]:
    """The chart as shapes; `measure` tells how wide a text is at a size."""
    plot = _Plot(_LEFT, _BOTTOM, width - _LEFT - 6, height - _BOTTOM - _TOP, _nice_top(chart), len(chart.labels))
    shapes: list[Shape] = [*_axes(chart, plot), *_legend(chart, height, measure), *_labels(chart, plot, measure)]
    bars = [line for line in chart.lines if line.role == "measured"]
    for line in bars:
        shapes += plot.bars(line.values, COLOURS[line.role])
    for line in chart.lines:
        if line.role != "measured":
            shapes += plot.line(line.values, COLOURS[line.role], is_dashed=line.role == "last_year")
    return shapes


@dataclass(frozen=True, slots=True)
class _Plot:
    x: float
    y: float
    width: float
    height: float
    top: float
    n: int

    def at(self, value: float) -> float:
        return self.y + self.height * value / self.top

    def middle(self, place: int) -> float:
        return self.x + self.width * (place + 0.5) / max(self.n, 1)

    def bars(self, values: Sequence[float], colour: str) -> list[Shape]:
        wide = 0.62 * self.width / max(self.n, 1)
        return [
            Box(self.middle(i) - wide / 2, self.y, wide, max(self.at(v) - self.y, 0.0), colour)
            for i, v in enumerate(values)
            if math.isfinite(v)
        ]

    def line(self, values: Sequence[float], colour: str, *, is_dashed: bool) -> list[Shape]:
        runs: list[list[tuple[float, float]]] = [[]]
        for i, value in enumerate(values):
            if math.isfinite(value):
                runs[-1].append((self.middle(i), self.at(value)))
            elif runs[-1]:
                runs.append([])
        return [Stroke(_seen(run), colour, 1.2, is_dashed) for run in runs if run]


def _seen(run: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The points of a line; one alone between two gaps becomes a stroke that can be seen."""
    if len(run) > 1:
        return tuple(run)
    ((x, y),) = run
    return (x - _ALONE, y), (x + _ALONE, y)


def _digits(top: float) -> int:
    """Places after the point that a quarter of the axis needs: 50 is cut at 12.5, and "12" would be wrong."""
    return max(0, 2 - math.floor(math.log10(top) + 1e-9))


def _nice_top(chart: Chart) -> float:
    most = max((v for line in chart.lines for v in line.values if math.isfinite(v)), default=1.0)
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1.0, 2.0, 4.0, 5.0, 8.0, 10.0) if step * power >= most)


def _axes(chart: Chart, plot: _Plot) -> list[Shape]:
    shapes: list[Shape] = []
    digits = _digits(plot.top)
    for part in range(5):
        value = plot.top * part / 4
        y = plot.at(value)
        shapes.append(Stroke(((plot.x, y), (plot.x + plot.width, y)), INK if part == 0 else GRID, 0.5))
        shapes.append(Word(plot.x - 4, y - 2.6, f"{value:,.{digits}f}", anchor="end"))
    shapes.append(Word(4, plot.y + plot.height + 8, chart.unit))
    return shapes


def _legend(chart: Chart, height: float, measure: Callable[[str, float], float]) -> list[Shape]:
    shapes: list[Shape] = []
    x, y = _LEFT, height - 10
    for line in chart.lines:
        colour = COLOURS[line.role]
        if line.role == "measured":
            shapes.append(Box(x, y - 1, 9, 7, colour))
        else:
            shapes.append(Stroke(((x, y + 2.5), (x + 12, y + 2.5)), colour, 1.2, line.role == "last_year"))
        shapes.append(Word(x + 15, y, line.name))
        x += 15 + measure(line.name, _SIZE) + 16
    return shapes


def _labels(chart: Chart, plot: _Plot, measure: Callable[[str, float], float]) -> list[Shape]:
    widest = max((measure(label, _SIZE) for label in chart.labels), default=0.0) + 5
    step = max(1, math.ceil(widest * plot.n / plot.width)) if plot.n else 1
    return [
        Word(plot.middle(i), plot.y - 10, label, anchor="middle")
        for i, label in enumerate(chart.labels)
        if i % step == 0
    ]
