"""No mark is lost between those who write marks and the jobs that take them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.intervals import DAY
from energy.registry import Registry, Spans, Touched, merged, migrate
from energy.registry.database import Database


def test_marks_stay_until_they_are_forgotten(registry: Registry) -> None:
    registry.mark_touched([Touched("m1", 100, 200)])
    first, marks = registry.take_touched()
    assert marks == [Touched("m1", 100, 200)]
    second, again = registry.take_touched()  # the jobs were killed in between
    assert again == marks
    assert second > first
    registry.forget_touched(second)
    assert registry.take_touched()[1] == []


def test_a_mark_written_while_the_jobs_compute_survives_them(registry: Registry) -> None:
    registry.mark_touched([Touched("m1", 100, 200)])
    epoch, _ = registry.take_touched()
    registry.mark_touched([Touched("m1", 100, 200)])
    registry.forget_touched(epoch)
    assert registry.take_touched()[1] == [Touched("m1", 100, 200)]


def test_the_epoch_tells_a_writer_that_its_cache_is_stale(registry: Registry) -> None:
    before = registry.touched_epoch()
    registry.mark_touched([Touched("m1", 1, 2)])
    assert registry.touched_epoch() == before
    registry.take_touched()
    assert registry.touched_epoch() == before + 1


def test_marks_do_not_raise_the_revision(registry: Registry) -> None:
    registry.mark_touched([Touched("m1", 1, 2)])
    registry.take_touched()
    assert registry.revision() == 0


def test_marks_outlive_a_change_of_the_schema_and_its_reverse(url: str) -> None:
    marks = [Touched("a", -5, 7), Touched("b", 5 * DAY, 9 * DAY)]
    registry = Registry.open(url, migrate=True)
    registry.mark_touched(marks)
    registry.close()
    database = Database(url)
    migrate.downgrade(database, "0004")
    migrate.upgrade(database)
    database.close()
    registry = Registry.open(url)
    assert registry.touched_pending() == 2
    assert registry.take_touched()[1] == marks
    registry.close()


def test_marks_by_column_are_the_same_marks(registry: Registry) -> None:
    registry.mark_spans(Spans(["b", "a"], np.array([1, 2]), np.array([3, 2])))
    assert registry.take_touched()[1] == [Touched("a", 2, 2), Touched("b", 1, 3)]


def test_marks_at_most_a_day_apart_become_one() -> None:
    marks = [
        Touched("b", 0, 10),
        Touched("a", 0, 10),
        Touched("a", 10 + DAY, 50 + DAY),
        Touched("a", 51 + 2 * DAY, 10**6),
    ]
    assert merged(marks) == [Touched("a", 0, 50 + DAY), Touched("a", 51 + 2 * DAY, 10**6), Touched("b", 0, 10)]


spans = st.builds(
    lambda meter, first, length: Touched(meter, first, first + length),
    st.sampled_from("abc"),
    st.integers(0, 10 * DAY),
    st.integers(0, 2 * DAY),
)


@given(st.lists(spans, max_size=30))
def test_merging_covers_every_mark_and_no_mark_overlaps(marks: list[Touched]) -> None:
    few = merged(marks)
    assert all(any(f.meter == m.meter and f.first <= m.first and m.last <= f.last for f in few) for m in marks)
    assert all(a.meter != b.meter or a.last + DAY < b.first for a, b in itertools.pairwise(few))
    assert merged(few) == few


def test_a_span_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="meter m1: touched until 1, before 2"):
        Touched("m1", 2, 1)


def test_no_mark_is_lost_while_jobs_take_and_forget(registry: Registry, open_another: Callable[[], Registry]) -> None:
    """Writers and a taker at once: every mark written is taken by somebody, exactly what the epochs are for."""
    wanted = {Touched(f"m{writer}.{n}", n, n) for writer in range(3) for n in range(20)}
    taken: set[Touched] = set()
    writers = [
        threading.Thread(target=_write, args=(open_another(), [m for m in wanted if m.meter.startswith(f"m{w}.")]))
        for w in range(3)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        taken |= _take(registry)
    for writer in writers:
        writer.join()
    assert taken | _take(registry) == wanted


def _write(registry: Registry, marks: list[Touched]) -> None:
    for mark in marks:
        registry.mark_touched([mark])


def _take(registry: Registry) -> set[Touched]:
    epoch, marks = registry.take_touched()
    registry.forget_touched(epoch)
    return set(marks)
