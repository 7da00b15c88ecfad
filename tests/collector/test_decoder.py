"""The fast path takes what the exact one takes, and no message can speak for its neighbour."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.decoders import DECODERS, Limits
from collector.decoders import exact as slow
from collector.decoders.base import Columns
from tests.collector.world import T0, message

DECODER = DECODERS["jieneng"]
LIMITS = Limits()

_local = st.sampled_from(["e-main", "w-main", "a", "b.c_d"])
_time = st.one_of(
    st.integers(-10, 10**12),
    st.floats(0, 1e10, allow_nan=False),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T08:00:00+08:00", "x", "", "2026-01-01T00:00:00.5Z"]),
)
_value = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.none(), st.just("1")
)
_reading = st.fixed_dictionaries(
    {"meter": _local, "time": _time, "value": _value},
    optional={"unit": st.sampled_from(["kWh", None, 5]), "x": st.just(1)},
)
_list_form = st.fixed_dictionaries({"readings": st.lists(_reading, max_size=4)}, optional={"seq": st.integers(0, 99)})
_column_form = st.integers(0, 3).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "times": st.lists(_time, min_size=n, max_size=n),
            "values": st.dictionaries(_local, st.lists(_value, min_size=n, max_size=n), max_size=3),
        },
        optional={"seq": st.integers(0, 99)},
    )
)
_payload = st.one_of(
    st.one_of(_list_form, _column_form).map(lambda content: json.dumps(content).encode()), st.binary(max_size=20)
)


def rows_of(columns: Columns) -> list[tuple[int, str, int, float, str | None]]:
    run = columns.row_run.tolist()
    return [
        (
            int(columns.message[r]), columns.local[r], int(columns.time[row]), float(columns.value[row]),
            columns.unit[r] if columns.unit else None,
        )
        for row, r in enumerate(run)
    ]  # fmt: skip


def reasons_of(columns: Columns) -> list[tuple[int, str, str, int]]:
    return sorted((p.message, p.reason.value, p.local, p.count) for p in columns.problems)


@settings(max_examples=300, deadline=None)
@given(st.lists(_payload, min_size=1, max_size=6))
def test_many_messages_decode_as_the_exact_reader_reads_each(payloads: list[bytes]) -> None:
    together = DECODER.decode(payloads, LIMITS)
    rows, problems = [], []
    for place, payload in enumerate(payloads):
        read = slow.read(payload, LIMITS)
        rows += [(place, *row) for row in read.rows]
        problems += [(place, p.reason.value, p.local, p.count) for p in read.problems]
    assert sorted(rows_of(together), key=str) == sorted(rows, key=str)
    assert reasons_of(together) == sorted(problems)


def test_a_message_cannot_close_itself_and_speak_for_its_neighbour() -> None:
    victim = message(("e-main", T0, 1.0))
    evil = message(("e-main", T0, 666.0))
    parts = [
        evil + b"," + evil,
        victim,
        b'{"readings":[',
        b"]}",
        evil + b",12345," + evil,
        b"1",
        b'"',
        b'"',
        b"[",
        b"]",
    ]
    for attack in itertools.permutations(parts, 4):
        columns = DECODER.decode(attack, LIMITS)
        for place, _, _, value, _ in rows_of(columns):
            assert value == 1.0
            assert attack[place] == victim


def test_columns_leave_null_out() -> None:
    text = b'{"times":[1,2,3],"values":{"a":[1,null,3],"b":[null,null,null],"c":[4,5,6]}}'
    columns = DECODER.decode([text], LIMITS)
    assert rows_of(columns) == [
        (0, "a", 1, 1.0, None), (0, "a", 3, 3.0, None), (0, "c", 1, 4.0, None), (0, "c", 2, 5.0, None),
        (0, "c", 3, 6.0, None),
    ]  # fmt: skip


def test_mixed_forms_keep_the_number_of_their_message() -> None:
    payloads = [message(("a", 1, 1.0)), b'{"times":[2],"values":{"b":[2]},"seq":7}', b"?", message(("c", 3, 3.0))]
    columns = DECODER.decode(payloads, LIMITS)
    assert {row[:2] for row in rows_of(columns)} == {(0, "a"), (1, "b"), (3, "c")}
    assert columns.seq == [None, 7, None, None]
    assert reasons_of(columns) == [(2, "bad_json", "", 1)]


@pytest.mark.parametrize("count", [1, 2, 50])
def test_unknown_fields_are_counted_and_ignored(count: int) -> None:
    text = b'{"fw":"1","readings":[{"meter":"a","time":1,"value":1,"rssi":-80}]}'
    columns = DECODER.decode([text] * count, LIMITS)
    assert columns.unknown_fields == 2 * count
    assert len(columns) == count


def test_a_problem_body_can_be_sent_again() -> None:
    text = b'{"readings":[{"meter":"a","time":1,"value":"5"},{"meter":"b","time":1,"value":2}]}'
    (problem,) = DECODER.decode([text], LIMITS).problems
    assert problem.body is not None
    assert json.loads(problem.body) == {"readings": [{"meter": "a", "time": 1, "value": "5"}]}
