"""Charts: what stands at the axis is what the line there means, and nothing known is left out."""

from __future__ import annotations

import math

import pytest

from api.reports.document import Chart, Line
from api.reports.drawing import COLOURS, Stroke, Word, draw


def shapes(*values: float, role: str = "measured") -> list[object]:
    line = Line("x", values, role)  # type: ignore[arg-type]
    chart = Chart("c", "kWh", tuple(str(n) for n in range(len(values))), (line,))
    return [*draw(chart, 400, 150, measure=lambda text, size: len(text) * size / 2)]


@pytest.mark.parametrize("most", [0.013, 0.9, 1.7, 3.2, 4.6, 7.3, 13.0, 22.0, 45.0, 77.0, 140.0, 310.0, 450.0, 9_000.0])
def test_the_axis_is_labelled_with_the_values_of_its_lines(most: float) -> None:
    labels = [float(s.text.replace(",", "")) for s in shapes(most) if isinstance(s, Word) and s.anchor == "end"]
    top = labels[-1]
    assert labels == pytest.approx([top * part / 4 for part in range(5)], rel=1e-12)
    assert most <= top <= 2 * most


def test_a_value_alone_between_gaps_is_drawn() -> None:
    drawn = shapes(math.nan, 2.0, math.nan, 3.0, 4.0, role="expected")
    assert [len(s.points) for s in drawn if isinstance(s, Stroke) and s.colour == COLOURS["expected"]][1:] == [2, 2]
