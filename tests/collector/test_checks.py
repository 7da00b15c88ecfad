"""New, known, contradicted or late: by the newest readings of each meter, whatever the order of arrival."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.checks import GOOD, Rows, faults, novelty, reason_of
from collector.recent import NEVER, Recent
from energy.registry import Registry
from tests.collector.world import CLOCK, NOW, PAST, T0, judge, make_judge, message, rows


def some(meter: list[int], time: list[int], value: list[float]) -> Rows:
    n = len(meter)
    return Rows(np.array(meter, np.int32), np.array(time), np.array(value), np.zeros(n, np.bool_))


def recent_of(n_meters: int, depth: int) -> Recent:
    recent = Recent(depth)
    recent.grow(n_meters)
    for meter in range(n_meters):
        recent.learn(meter, None)
    return recent


def test_each_fault_has_its_code(shared_registry: Registry) -> None:
    lookup = make_judge(shared_registry).lookup
    e1, p1 = lookup.ids.index("e1"), lookup.ids.index("p1")
    cases = [
        (-1, T0, 1.0, "unknown_device"), (e1, T0, np.inf, "not_finite"), (e1, T0, 2.0**53, "out_of_range"),
        (e1, T0, -1.0, "implausible"), (e1, 10**12, 1.0, "time_unit"), (e1, PAST - 1, 1.0, "clock_past"),
        (e1, NOW + 301, 1.0, "clock_future"),
    ]  # fmt: skip
    codes = faults(some(*map(list, zip(*[case[:3] for case in cases], strict=True))), lookup, CLOCK)  # type: ignore[arg-type]
    assert [reason_of(code) for code in codes] == [case[3] for case in cases]
    fine = some([e1, p1, e1], [PAST, NOW + 300, T0], [0.0, -5.0, 2.0**53 - 1])
    assert faults(fine, lookup, CLOCK).tolist() == [GOOD] * 3


def naive(
    depth: int, taken: dict[int, list[tuple[int, float]]], row: tuple[int, int, float], floor: dict[int, int]
) -> str:
    """The obvious twin: a list per meter, the oldest arrivals fall out, and below what fell out nothing is certain."""
    meter, time, value = row
    ring = taken.setdefault(meter, [])
    known = dict(ring)
    if time in known:
        return "duplicate" if known[time] == value else "conflict"
    if time < floor.get(meter, NEVER):
        return "late"
    ring.append((time, value))
    if len(ring) > depth:
        gone, _ = ring.pop(0)
        floor[meter] = max(floor.get(meter, NEVER), gone + 1)
    return "new"


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.sampled_from([1.0, 2.0])), max_size=60),
    st.integers(2, 5),
)
def test_one_by_one_it_decides_as_its_obvious_twin(arrivals: list[tuple[int, int, float]], depth: int) -> None:
    recent, taken, floor = recent_of(3, depth), dict[int, list[tuple[int, float]]](), dict[int, int]()
    for meter, time, value in arrivals:
        row = some([meter], [T0 + time], [value])
        result = novelty(row, recent)
        got = next(name for name in ("new", "late", "duplicate", "conflict") if getattr(result, name)[0])
        assert got == naive(depth, taken, (meter, T0 + time, value), floor)
        if got == "new":
            recent.insert(row.meter, row.time, row.value)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.sampled_from([1.0, 2.0])), max_size=60),
    st.integers(2, 5),
    st.integers(1, 15),
)
def test_in_groups_nothing_is_new_twice_and_nothing_known_is_lost(
    arrivals: list[tuple[int, int, float]], depth: int, size: int
) -> None:
    recent, first = recent_of(3, depth), dict[tuple[int, int], float]()
    for start in range(0, len(arrivals), size):
        group = arrivals[start : start + size]
        row = some([a[0] for a in group], [T0 + a[1] for a in group], [a[2] for a in group])
        result = novelty(row, recent)
        total = result.new.astype(int) + result.late + result.duplicate + result.conflict
        assert (total == 1).all()
        for place, new, duplicate, conflict in zip(
            result.order.tolist(), result.new, result.duplicate, result.conflict, strict=True
        ):
            key, value = (group[place][0], group[place][1]), group[place][2]
            if new:
                assert key not in first
                first[key] = value
            if duplicate or conflict:
                assert (first[key] == value) == bool(duplicate)
        kept = result.order[result.new]
        recent.insert(row.meter[kept], row.time[kept], row.value[kept])


def test_a_long_backfill_in_one_group_leaves_the_newest_held(shared_registry: Registry) -> None:
    fresh = make_judge(shared_registry, per_meter=4)
    judge(fresh, message(*[("e-side", T0 + n, float(n)) for n in range(1000)]))
    again = judge(fresh, message(*[("e-side", T0 + n, float(n)) for n in range(990, 1000)]))
    assert again.group.counts["duplicate"] == 4
    assert again.fresh is not None
    assert again.fresh.late.all()
    assert len(again.fresh) == 6


def test_a_register_is_judged_by_its_rise_over_the_time_passed(shared_registry: Registry) -> None:
    fresh = make_judge(shared_registry)
    limit = 100 * 1.2 * 0.25  # kWh in a quarter of an hour at 100 kW, with the tolerance
    first = judge(fresh, message(("e-main", T0, 1000.0), ("e-main", T0 + 900, 1000.0 + limit - 0.01)))
    assert first.fresh is not None
    assert first.fresh.flag.tolist() == [0, 0]
    next_day = judge(fresh, message(("e-main", T0 + 86_400, 1000.0 + 90 * limit)))
    assert next_day.fresh is not None
    assert next_day.fresh.flag.tolist() == [0]  # far more energy, but over a whole day
    jump = judge(fresh, message(("e-main", T0 + 86_400 + 60, 1000.0 + 92 * limit)))
    assert jump.fresh is not None
    assert jump.fresh.flag.tolist() == [1]
    assert len(rows(fresh, jump)) == 1  # stored all the same


@pytest.mark.parametrize(("local", "value", "flag"), [("p-main", 119, 0), ("p-main", 121, 1), ("t-out", 130, 1)])
def test_measurements_are_judged_by_what_is_possible(
    shared_registry: Registry, local: str, value: float, flag: int
) -> None:
    judged = judge(make_judge(shared_registry), message((local, T0, value)))
    assert judged.fresh is not None
    assert judged.fresh.flag.tolist() == [flag]


def test_while_the_store_has_not_been_asked_everything_is_late() -> None:
    recent = Recent(4)
    recent.grow(1)
    row = some([0], [T0], [1.0])
    assert novelty(row, recent).late.tolist() == [True]
    recent.insert_unseen(row.meter, row.time)
    recent.learn(0, (T0 - 900, 5.0))
    assert novelty(row, recent).late.tolist() == [True]  # taken meanwhile: only the store knows its value
    assert novelty(some([0], [T0 + 1], [1.0]), recent).new.tolist() == [True]
