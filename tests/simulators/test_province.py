"""The fictitious province: the same seed gives the same bytes, and the truth agrees with what was sent."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from energy.intervals import HOUR, LocalCalendar
from energy.model import Category
from energy.units import UNITS
from simulators.devices import BAD_GATEWAY
from simulators.faults import RECIPES, FaultKind
from simulators.messages import Message, Tally
from simulators.province import Province, build, demo_plan

YEARS = (date(2024, 1, 1), date(2026, 1, 1))


@pytest.fixture(scope="module")
def province() -> Province:
    """The whole province over two years."""
    return build(7, *YEARS)


@pytest.fixture(scope="module")
def messages(province: Province) -> list[Message]:
    """What the gateways of three institutions send in those two years, the bad and the disorderly among them."""
    houses = ["jd-zf", "yz-zy", "jz-gh"]
    return list(province.messages(province.window.start, province.window.end + 1, houses=houses))


def _fault(province: Province, kind: FaultKind):
    return next(f for f in province.faults if f.kind is kind)


def test_it_holds_institutions_of_every_type_and_more_than_three_hundred_meters(province: Province) -> None:
    sheets = province.sheets
    assert {row["type"] for row in sheets["institutions"]} == {"01", "021", "022", "023", "024", "025", "026", "03"}
    assert len(sheets["institutions"]) >= 24
    assert len(sheets["meters"]) >= 300
    assert {row["category"] for row in sheets["meters"]} == {"electricity", "water", "gas", "heat"}
    assert {"A", "B", "C", "D", "A1", "B2", "D3"} <= {row["item"] for row in sheets["meters"]}


def test_it_is_no_real_place(province: Province) -> None:
    regions = province.sheets["regions"]
    assert all(str(row["code"]).startswith("99") for row in regions)
    assert all("fictitious" in str(row["name_en"]) for row in regions)
    assert all("fictitious" in str(row["name_en"]) for row in province.sheets["institutions"])


def test_every_reference_between_its_sheets_is_kept(province: Province) -> None:
    sheets = province.sheets
    ids = {name: {row.get("id", row.get("code")) for row in sheets[name]} for name in ("institutions", "sites")}
    meters = {row["id"]: row for row in sheets["meters"]}
    assert all(row["parent"] in meters for row in meters.values() if row["parent"])
    assert all(row["institution"] in ids["institutions"] for row in meters.values())
    assert all(row["unit"] in UNITS for row in [*sheets["meters"], *sheets["sensors"]])
    assert {row["gateway"] for row in meters.values()} <= {row["id"] for row in sheets["gateways"]}
    assert {row["meter"] for row in sheets["swaps"]} <= set(meters)


def test_local_names_are_unique_within_a_gateway(province: Province) -> None:
    names = Counter((d.gateway, d.local) for d in province.devices.values())
    assert set(names.values()) == {1}


def test_the_same_seed_sends_the_same_bytes_and_another_seed_others() -> None:
    start, end = date(2024, 1, 1), date(2024, 2, 20)

    def sent(seed: int) -> list[bytes]:
        small = build(seed, start, end, houses=2)
        return [m.payload for m in small.messages(small.window.start, small.window.end)]

    assert sent(3) == sent(3)
    assert sent(3) != sent(4)


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    short, long = build(3, date(2024, 1, 1), date(2024, 4, 1)), build(3, date(2024, 1, 1), date(2024, 6, 1))
    meters = list(short.devices)
    window = (short.window.start, short.window.end)
    assert_array_equal(short.registers(meters, *window).values, long.registers(meters, *window).values)
    assert short.faults == tuple(f for f in long.faults if f.first < short.window.end)


def test_each_kind_that_must_be_found_happens_at_least_ten_times_in_the_second_year(province: Province) -> None:
    second = LocalCalendar().start_of(date(2025, 1, 1))
    happened = Counter(f.kind for f in province.faults if f.first >= second)
    must_be_found = [kind for kind, recipe in RECIPES.items() if recipe.per_quarter >= 3]
    assert len(must_be_found) == 8
    assert min(happened[kind] for kind in must_be_found) >= 10
    assert sum(f.kind is FaultKind.ROLLOVER for f in province.truth.faults) >= 10


def test_sizes_between_a_tenth_and_three_tenths_of_the_median_load_are_among_the_slow_faults(
    province: Province,
) -> None:
    for kind in (FaultKind.LEVEL, FaultKind.LEAK, FaultKind.OFF_HOURS):
        assert any(0.1 <= f.size <= 0.3 for f in province.faults if f.kind is kind)


def test_faults_of_one_institution_never_overlap(province: Province) -> None:
    for house in province.gateways:
        own = [f for f in province.faults if f.house == house]
        assert all(left.last <= right.first for left, right in pairwise(own))


def test_register_differences_are_the_true_use_away_from_faults(province: Province) -> None:
    troubled = {f.house for f in province.faults if f.kind is FaultKind.CLOCK_SKEW}
    device = next(
        d
        for d in province.devices.values()
        if d.category is Category.ELECTRICITY and d.digits == 6 and d.house not in troubled
    )
    own = list(province.faults_of(device, *FaultKind))
    quiet = province.window.start, own[0].first if own else province.window.end
    register = province.registers([device.id], *quiet).values[0]
    edges = np.arange(*quiet, HOUR)
    ratio = device.ct * device.pt
    step = ratio / 10**device.decimals
    used = province.truth.used(device.id, edges)
    assert_allclose(np.diff(register) * ratio, used, rtol=0, atol=1.001 * step)
    assert_allclose(np.diff(register) * ratio, province.truth.knowable(device.id, edges), rtol=1e-9)


def test_parents_use_what_their_children_use_and_a_little_more(province: Province) -> None:
    for house in province.gateways:
        amounts = province.loads(house).amounts
        devices = {d.id: d for d in province.devices.values() if d.house == house and not d.is_sensor}
        for parent in {d.parent for d in devices.values()} - {""}:
            below = sum(amounts[d.id] for d in devices.values() if d.parent == parent)
            assert np.all(amounts[parent] >= below)


def test_the_sum_of_known_days_is_the_use_of_the_whole_span(province: Province) -> None:
    edges = province.truth.day_edges()
    for meter in province.truth.roots:
        days = province.truth.knowable(meter, edges)
        known = ~np.isnan(days)
        assert_allclose(days[known].sum(), province.truth.used(meter, edges)[known].sum(), rtol=2e-3)


def test_a_gap_sends_nothing_and_catches_up(province: Province) -> None:
    fault = _fault(province, FaultKind.GAP)
    read = province.registers([fault.subject], fault.first - HOUR, fault.last + 1).values[0]
    assert not np.isnan(read[0])
    assert np.isnan(read[1:-1]).all()
    assert read[-1] > read[0]
    assert_allclose(
        province.truth.knowable(fault.subject, np.array([fault.first - HOUR, fault.last])),
        province.truth.used(fault.subject, np.array([fault.first - HOUR, fault.last])),
        rtol=0.05,
    )


def test_a_stuck_display_repeats_itself_and_then_shows_the_register_again(province: Province) -> None:
    fault = _fault(province, FaultKind.STUCK)
    read = province.registers([fault.subject], fault.first, fault.last + 1).values[0]
    assert np.unique(read[:-1]).size == 1
    assert read[-1] > read[0]
    edges = np.array([fault.first, fault.first + HOUR, fault.last])
    known = province.truth.knowable(fault.subject, edges)
    assert np.isnan(known).all()
    assert province.truth.knowable(fault.subject, edges[[0, 2]])[0] > 0


def test_a_recorded_swap_keeps_the_use_knowable_and_an_unrecorded_one_does_not(province: Province) -> None:
    swaps = [f for f in province.faults if f.kind is FaultKind.SWAP]
    assert {f.recorded for f in swaps} == {True, False}
    for fault in swaps:
        known = province.truth.knowable(fault.subject, np.array([fault.first, fault.first + HOUR]))
        assert np.isnan(known[0]) != fault.recorded
    fault = next(f for f in swaps if f.recorded)
    device = province.devices[fault.subject]
    row = next(r for r in province.sheets["swaps"] if r["meter"] == fault.subject)
    before, after = province.registers([device.id], fault.first, fault.first + HOUR + 1).values[0]
    by_registers = (row["old_end"] - before + after - row["new_start"]) * device.ct * device.pt  # type: ignore[operator]
    by_truth = province.truth.knowable(device.id, np.array([fault.first, fault.first + HOUR]))[0]
    assert_allclose(by_registers, by_truth / (device.scale or 1), rtol=1e-6)


def test_a_wrong_ratio_makes_the_use_unknowable_but_only_while_it_lasts(province: Province) -> None:
    fault = _fault(province, FaultKind.RATIO)
    edges = np.array([fault.first - HOUR, fault.first, fault.last, fault.last + HOUR])
    assert_array_equal(np.isnan(province.truth.knowable(fault.subject, edges)), [False, True, False])


def test_a_level_adds_its_share_of_the_median_load_to_meter_and_ancestors() -> None:
    province = build(7, *YEARS)
    fault = next(f for f in province.faults if f.kind is FaultKind.LEVEL and province.devices[f.subject].parent)
    parent = province.devices[fault.subject].parent
    edges = np.array([fault.first, fault.last])
    with_fault = [province.truth.used(meter, edges)[0] for meter in (fault.subject, parent)]
    hours = (fault.last - fault.first) // HOUR
    before = province.loads(fault.house).amounts[fault.subject]
    first = (fault.first - province.window.start) // HOUR
    added = fault.size * np.median(before[first - 28 * 24 : first]) * hours
    province.faults, province._loads = (), {}
    without = [province.truth.used(meter, edges)[0] for meter in (fault.subject, parent)]
    assert_allclose(with_fault[0] - without[0], added, rtol=1e-6)
    assert with_fault[1] - without[1] >= added * 0.999


def test_both_payload_forms_are_json_within_the_limits(messages: list[Message]) -> None:
    forms: Counter[str] = Counter()
    for message in messages:
        assert len(message.payload) < 1_048_576
        if "bad_json" in message.parked or "not_finite" in message.parked:
            continue
        body = json.loads(message.payload)
        if "readings" in body:
            found = len(body["readings"])
            forms["list"] += 1
        else:
            found = sum(value is not None for column in body["values"].values() for value in column)
            assert {len(column) for column in body["values"].values()} == {len(body["times"])}
            assert len(body["times"]) * len(body["values"]) <= 10_000
            forms["column"] += 1
        assert found == message.readings
    assert forms["list"] > 50
    assert forms["column"] > 50


def test_the_expected_counts_are_those_of_a_collector_that_reads_the_messages(
    province: Province, messages: list[Message]
) -> None:
    tally = Tally()
    for _ in tally.counting(messages):
        pass
    seen: dict[tuple[str, str, int], float] = {}
    counted: Counter[str] = Counter()
    known = {(d.gateway, d.local) for d in province.devices.values()}
    for message in messages:
        for name, time, value in _read(message):
            if (message.gateway, name) not in known or value != value:
                counted["parked"] += 1
            elif (key := (message.gateway, name, time)) in seen:
                counted["duplicate" if seen[key] == value else "parked"] += 1
            else:
                seen[key] = value
    assert tally.stored == len(seen)
    assert tally.duplicate == counted["duplicate"] > 0
    assert tally.parked.total() == counted["parked"]
    assert set(tally.parked) == {"bad_json", "not_finite", "unknown_device", "bad_unit", "conflict"}
    assert {m.gateway for m in messages if m.parked} == {BAD_GATEWAY}


def _read(message: Message) -> list[tuple[str, int, float]]:
    """Readings of a message as a plain reader sees them; NaN for what cannot be used."""
    if {"bad_json", "not_finite", "bad_unit"} & set(message.parked):
        return [("?", 0, float("nan"))]
    body = json.loads(message.payload)
    if "readings" in body:
        return [(r["meter"], _instant(r["time"]), r["value"]) for r in body["readings"]]
    return [
        (name, time, value)
        for name, column in body["values"].items()
        for time, value in zip(body["times"], column, strict=True)
        if value is not None
    ]


def _instant(time: str | int) -> int:
    return time if isinstance(time, int) else int(datetime.fromisoformat(time).timestamp())


def test_what_is_sent_is_what_the_displays_showed_with_the_skewed_clock(province: Province) -> None:
    fault = _fault(province, FaultKind.CLOCK_SKEW)
    gateway = next(g for g in province.gateways[fault.house] if g.id == fault.subject)
    own = build(7, *YEARS)
    times = {
        time
        for message in own.messages(fault.first, fault.last, houses=[fault.house])
        if message.gateway == fault.subject
        for _, time, _ in _read(message)
    }
    assert gateway.devices
    assert {time % HOUR for time in times} == {int(fault.size) % HOUR}


def test_what_a_gateway_buffered_comes_after_fresher_readings(province: Province) -> None:
    fault = _fault(province, FaultKind.BUFFERED)
    own = build(7, *YEARS)
    sent = [
        time
        for message in own.messages(fault.first - HOUR, fault.last + 12 * HOUR, houses=[fault.house])
        if message.gateway == fault.subject and not message.duplicates
        for time in sorted({t for _, t, _ in _read(message)})
    ]
    assert sorted(set(sent)) == list(range(fault.first - HOUR, fault.last + 12 * HOUR, HOUR))
    assert sent.index(fault.first) > sent.index(fault.last)


def test_until_it_is_delivered_what_a_gateway_buffered_is_not_known(province: Province) -> None:
    fault = _fault(province, FaultKind.BUFFERED)
    meter = next(d.id for d in province.devices.values() if d.gateway == fault.subject and not d.is_sensor)
    edges = np.array([fault.first, fault.first + HOUR])
    assert np.isnan(province.truth.knowable(meter, edges, until=fault.last)).all()
    assert not np.isnan(province.truth.knowable(meter, edges)).any()


def test_quarter_hours_add_up_to_the_hour(province: Province) -> None:
    meter = "sl-jgsw.b1.e"
    start = province.window.start + 40 * HOUR
    quarters = province.registers([meter], start, start + 24 * HOUR + 1, 900).values[0]
    hours = province.registers([meter], start, start + 24 * HOUR + 1).values[0]
    assert_array_equal(quarters[::4], hours)
    assert np.all(np.diff(quarters) > 0)


def test_the_demo_begins_two_years_back_with_one_institution_complete() -> None:
    now = int(datetime(2026, 3, 5, 7, 40, tzinfo=UTC).timestamp())
    demo = demo_plan(now, houses=3)
    assert demo.province.calendar.date_of(demo.start) == date(2024, 1, 1)
    order = [m.topic.split("/")[2] for m in demo.history()]
    assert order == sorted(order, key=["sl-jgsw", "jz-yy1", "sl-dx"].index)
    last = max(t for m in demo.province.messages(now - 7200, demo.history_end) for _, t, _ in _read(m))
    assert last == now // HOUR * HOUR


def test_live_readings_come_every_quarter_of_an_hour_and_none_from_the_future() -> None:
    now = int(datetime(2026, 3, 5, 7, 40, tzinfo=UTC).timestamp())
    demo = demo_plan(now, houses=1)
    times = {t for m in demo.live(demo.history_end - 1, now) for _, t, _ in _read(m)}
    assert times == {now // 900 * 900 - 900, now // 900 * 900}
    assert list(demo.live(now // 900 * 900, now)) == []


def test_the_truth_file_holds_faults_counts_and_days(tmp_path: Path) -> None:
    small = build(5, date(2024, 1, 1), date(2024, 3, 1), houses=3)
    tally = Tally()
    for _ in tally.counting(small.messages(small.window.start, small.window.end + 1)):
        pass
    small.truth.write(tmp_path / "truth.json", tally=tally)
    document = json.loads((tmp_path / "truth.json").read_text())
    assert document["first_day"] == "2024-01-01"
    assert document["last_day"] == "2024-02-29"
    assert document["counts"]["sent"] == document["counts"]["stored"] + document["counts"]["duplicate"]
    assert {len(days["used"]) for days in document["days"].values()} == {60}
    assert all(fault["first"] >= small.window.start + 28 * 86_400 for fault in document["faults"] if fault["size"])


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="must be after start"):
        build(1, date(2024, 1, 2), date(2024, 1, 2))
