"""A chart as a PNG picture, for documents that hold pictures only."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Final

from PIL import Image, ImageDraw

from api.reports import fonts
from api.reports.document import Chart
from api.reports.drawing import Box, Shape, Stroke, Word, draw

_SCALE: Final = 3  # 216 dots an inch
_ANCHOR: Final = {"start": "ls", "middle": "ms", "end": "rs"}
_DASH: Final = (3 * _SCALE, 2 * _SCALE)


def png(chart: Chart, width: float, height: float) -> bytes:
    """The chart of this size in points."""
    image = Image.new("RGB", (int(width * _SCALE), int(height * _SCALE)), "white")
    pen = ImageDraw.Draw(image)
    for shape in draw(chart, width, height, measure=fonts.measure):
        _put(pen, shape, height)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _put(pen: ImageDraw.ImageDraw, shape: Shape, height: float) -> None:
    def at(x: float, y: float) -> tuple[float, float]:
        return x * _SCALE, (height - y) * _SCALE

    match shape:
        case Box():
            pen.rectangle([at(shape.x, shape.y + shape.height), at(shape.x + shape.width, shape.y)], fill=shape.colour)
        case Stroke():
            points = [at(*point) for point in shape.points]
            thick = max(1, round(shape.width * _SCALE))
            for begin, end in pairwise(points):
                _segment(pen, begin, end, shape.colour, thick, is_dashed=shape.is_dashed)
        case Word():
            font = fonts.picture_font(round(shape.size * _SCALE))
            where = at(shape.x, shape.y)
            pen.text(where, fonts.printable(shape.text), shape.colour, font=font, anchor=_ANCHOR[shape.anchor])


def _segment(
    pen: ImageDraw.ImageDraw,
    begin: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    thick: int,
    *,
    is_dashed: bool,
) -> None:
    if not is_dashed:
        pen.line([begin, end], fill=colour, width=thick)
        return
    length = max(((end[0] - begin[0]) ** 2 + (end[1] - begin[1]) ** 2) ** 0.5, 1e-9)
    done = 0.0
    while done < length:
        stop = min(done + _DASH[0], length)
        parts = [
            (begin[0] + (end[0] - begin[0]) * share / length, begin[1] + (end[1] - begin[1]) * share / length)
            for share in (done, stop)
        ]
        pen.line(parts, fill=colour, width=thick)
        done += sum(_DASH)
