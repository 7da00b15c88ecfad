"""What the profile of a gateway may say, and what is said of one that cannot be read."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decoders import DECODERS, DEFAULT_PROFILE, Limits, decoder_of
from energy.errors import SettingsError
from tests.collector.world import T0, judge, make_judge, make_registry, rows


def test_a_format_alone_is_its_decoder_and_nothing_around_it() -> None:
    assert decoder_of("senml") is DECODERS["senml"]
    assert decoder_of("") is decoder_of("jieneng") is DECODERS[DEFAULT_PROFILE]


def test_equal_profiles_are_decoded_together() -> None:
    assert decoder_of("jieneng sentinel=1,2  fine-times") == decoder_of("jieneng fine-times sentinel=1 sentinel=2")


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("sparkplug", r"expected a format first \(jieneng, senml\), got 'sparkplug'"),
        ("jieneng fast", r"expected fine-times or sentinel=NUMBER,NUMBER after the format, got 'fast'"),
        ("senml sentinel=0xFFFF", r"got 'sentinel=0xFFFF'"),
    ],
)
def test_a_profile_that_cannot_be_read_says_what_was_expected(profile: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        decoder_of(profile)


def test_a_sentinel_leaves_its_column_and_keeps_its_unit_and_time() -> None:
    payload = {"readings": [{"meter": "m", "time": T0, "value": v, "unit": "Wh"} for v in (65535, 7)]}
    columns = decoder_of("jieneng sentinel=65535").decode([json.dumps(payload).encode()], Limits())
    assert columns.value.tolist() == [7]
    assert columns.row_run.tolist() == [1]
    (problem,) = columns.problems
    assert json.loads(problem.body or b"") == {"readings": [payload["readings"][0]]}
    assert problem.detail == 'm: 65535 means "no value" by the gateway\'s profile'


def test_parked_readings_of_a_senml_gateway_are_taken_when_their_meter_is_known(tmp_path: Path) -> None:
    topic = b"jieneng/v1/i1/g3/readings"
    with closing(make_registry(tmp_path)) as registry:
        payload = json.dumps([{"n": "new", "t": T0, "v": 5, "u": "kWh"}]).encode()
        (parked,) = judge(make_judge(registry), payload, topic=topic).group.parked
        assert parked.reason == "unknown_device"
        registry.import_sheets(
            {"meters": [{"id": "n1", "institution": "i1", "gateway": "g3", "local": "new", "category": "electricity",
                         "unit": "kWh"}]}
        )  # fmt: skip
        knowing = make_judge(registry)
        assert rows(knowing, judge(knowing, parked.body or b"", topic=topic)) == [("n1", T0, 5.0)]


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_fine_times_are_told_by_their_size(unit: str, per_second: int) -> None:
    instants = [T0, 1_262_304_000, 4_102_444_800]  # 2026, 2010, 2100
    payload = {"times": [t * per_second for t in instants], "values": {"m": [1, 2, 3]}}
    columns = decoder_of("jieneng fine-times").decode([json.dumps(payload).encode()], Limits())
    np.testing.assert_array_equal(columns.time, instants, err_msg=unit)


_scalar = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8))
_names = st.sampled_from(["bn", "bt", "bu", "bv", "bver", "n", "t", "u", "v", "vs", "s", "x", "y_"])
_pack = st.lists(st.one_of(_scalar, st.dictionaries(_names, _scalar, max_size=6)), max_size=4).map(json.dumps)


@pytest.mark.parametrize("profile", ["senml", "senml fine-times sentinel=0,1", "jieneng fine-times sentinel=0,1"])
@given(payloads=st.lists(st.one_of(_pack.map(str.encode), st.binary(max_size=30)), min_size=1, max_size=4))
def test_whatever_comes_is_read_or_named_and_every_problem_can_be_sent_again(
    profile: str, payloads: list[bytes]
) -> None:
    decoder = decoder_of(profile)
    columns = decoder.decode(payloads, Limits())
    assert len(columns.row_run) == len(columns.time) == len(columns.value)
    for problem in columns.problems:
        again = decoder.decode([payloads[problem.message] if problem.body is None else problem.body], Limits())
        assert (problem.reason, problem.count) in [(p.reason, p.count) for p in again.problems]
