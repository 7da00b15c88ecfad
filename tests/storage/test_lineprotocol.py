"""Lines by hand, and by property through a real InfluxDB."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy.errors import StorageRejected
from energy.model import Flag
from energy.series import Readings
from energy.storage.influx import Address, Influx
from energy.storage.influx_store import InfluxStore
from energy.storage.lineprotocol import ReadingEncoder, encode_table, prefix, text_field
from tests import servers
from tests.storage.contract import T0, reading, table, total


def test_readings_become_one_line_each() -> None:
    readings = Readings.of([reading("a", T0, 12.5), reading("b-1.x", T0 + 1, 3.0, Flag.IMPLAUSIBLE, T0 + 60)])
    assert ReadingEncoder().encode(readings).decode().split("\n") == [
        "reading,meter=a value=12.5,received=1767225603 1767225600",
        "reading,meter=b-1.x value=3.0,received=1767225660,flag=1 1767225601",
    ]


def test_unknown_fields_are_left_out_and_texts_quoted() -> None:
    rows = table("finding", [
        {"institution": "i 1", "meter": "m,=", "kind": "gap", "time": T0, "severity": 2.0, "title_en": 'a "b" \\'},
        {"institution": "i 1", "meter": "m,=", "kind": "gap", "time": T0 + 1},
    ])  # fmt: skip
    (body,) = encode_table(rows, 10)
    assert (
        body.decode() == r'finding,institution=i\ 1,kind=gap,meter=m\,\= severity=2.0,title_en="a \"b\" \\" 1767225600'
    )


def test_bodies_are_cut_to_the_size_wanted() -> None:
    rows = table("total", [total("i1", T0 + n, n) for n in range(5)])
    assert [body.count(b"\n") + 1 for body in encode_table(rows, 2)] == [2, 2, 1]


@pytest.mark.parametrize("tag", ["", "a\\", "a\nb", "\x00", "tab\t"])
def test_a_tag_that_cannot_be_kept_is_refused(tag: str) -> None:
    with pytest.raises(StorageRejected, match="meter"):
        prefix("reading", {"meter": tag})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_reading_without_a_number_is_refused(value: float) -> None:
    good = Readings.of([reading("a", T0, 1.0)])
    bad = Readings(good.meters, good.index, good.time, np.array([value]), good.flag, good.received)
    with pytest.raises(StorageRejected, match="finite"):
        ReadingEncoder().encode(bad)


def test_an_infinite_result_and_a_null_character_are_refused() -> None:
    with pytest.raises(StorageRejected, match="infinite"):
        list(encode_table(table("total", [total("i1", T0, float("inf"))]), 10))
    with pytest.raises(StorageRejected, match="null"):
        text_field("a\x00b")


# What a tag may hold: no backslash, no control character; the reader may match it by a pattern.
tag_texts = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\\"), min_size=1, max_size=12
).filter(lambda text: text.strip() == text)
field_texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), min_size=1)
numbers = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.services
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tag=st.one_of(tag_texts, st.text(" ,=\"'.*+?()[]{}|^$/用", min_size=3, max_size=9).map(lambda text: f"x{text}x")),
    texts=st.lists(st.one_of(field_texts, st.text(" ,=\"'\\\n\r\t#é用😀", min_size=1)), min_size=1, max_size=4),
    number=numbers,
)
def test_a_server_gives_back_what_it_was_given(
    influx: servers.Influx, tag: str, texts: list[str], number: float
) -> None:
    store = InfluxStore(Address(influx.url, influx.org, influx.bucket, influx.token))
    where = {"institution": [tag]}
    span = {"start": T0, "end": T0 + 10}
    rows = [
        {"institution": tag, "meter": "m", "kind": "k", "time": T0 + place, "text_en": text, "severity": number}
        for place, text in enumerate(texts)
    ]
    store.replace(table("finding", rows), where=where, **span)
    found = store.results("finding", where=where, **span)
    assert set(found.tags["institution"]) == {tag}
    assert found.fields["text_en"].tolist() == texts
    assert found.fields["severity"].tolist() == [number] * len(texts)
    assert store.replace(table("finding", []), where=where, **span) == (0, len(texts))
    store.close()


@pytest.mark.services
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(numbers, min_size=1, max_size=50))
def test_readings_keep_their_last_bit_through_a_server(influx: servers.Influx, values: list[float]) -> None:
    door = Influx(Address(influx.url, influx.org, influx.bucket, influx.token))
    door.write(ReadingEncoder().encode(Readings.of([reading("a", T0 + n, v) for n, v in enumerate(values)])))
    door.close()
    store = InfluxStore(door.address)
    found = store.readings(["a"], T0, T0 + len(values))["a"]
    store.close()
    assert found.value.tolist() == values
