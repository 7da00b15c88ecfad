"""The jobs are told of every reading, and of none twice in one epoch."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.touched_marks import TouchedMarks, spans
from energy.intervals import DAY
from energy.registry import Registry, Touched

NAMES = ("a", "b", "c")


def _mark(marks: TouchedMarks, *readings: tuple[int, int]) -> None:
    meter, time = zip(*readings, strict=True)
    marks.mark(np.array(meter, np.int32), np.array(time, np.int64), NAMES)


def test_a_span_already_written_is_not_written_again(registry: Registry) -> None:
    marks = TouchedMarks(registry)
    _mark(marks, (0, 100), (0, 300), (1, 50))
    assert registry.touched_pending() == 2
    _mark(marks, (0, 200), (1, 50))
    assert registry.touched_pending() == 2
    _mark(marks, (0, 301))
    assert registry.take_touched()[1] == [Touched("a", 100, 301), Touched("b", 50, 50)]


def test_after_the_jobs_took_the_marks_they_are_written_again(registry: Registry) -> None:
    marks = TouchedMarks(registry)
    _mark(marks, (2, 100))
    registry.forget_touched(registry.take_touched()[0])
    _mark(marks, (2, 100))
    assert registry.take_touched()[1] == [Touched("c", 100, 100)]


def test_a_far_reading_is_a_span_of_its_own(registry: Registry) -> None:
    marks = TouchedMarks(registry)
    _mark(marks, (0, 0), (0, 3 * DAY))
    _mark(marks, (0, 9 * DAY))
    taken = registry.take_touched()[1]
    assert taken == [Touched("a", at, at) for at in (0, 3 * DAY, 9 * DAY)]


readings = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9 * DAY)), min_size=1, max_size=20)


@given(readings)
def test_every_reading_lies_in_a_span(read: list[tuple[int, int]]) -> None:
    meter, time = zip(*read, strict=True)
    who, first, last = spans(np.array(meter, np.int32), np.array(time, np.int64))
    assert all(any(w == m and f <= t <= e for w, f, e in zip(who, first, last, strict=True)) for m, t in read)
