from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import TopicError
from energy.model import is_id
from energy.topics import Topic, parse, subscription

ids = st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True).filter(is_id)


@given(ids, ids, st.sampled_from(["readings", "status"]))
def test_a_topic_is_read_as_it_was_built(institution: str, gateway: str, channel: str) -> None:
    topic = Topic(institution, gateway, channel)  # type: ignore[arg-type]
    assert parse(str(topic)) == topic


def test_the_scheme_is_the_documented_one() -> None:
    assert str(Topic("i1", "gw-7")) == "jieneng/v1/i1/gw-7/readings"
    assert parse("jieneng/v1/i1/gw-7/status") == Topic("i1", "gw-7", "status")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jieneng/v1/i1/readings",
        "jieneng/v2/i1/g1/readings",
        "/jieneng/v1/i1/g1/readings",
        "jieneng/v1/i1/g1/readings/",
        "jieneng/v1/i1/g1/x/readings",
        "JIENENG/v1/i1/g1/readings",
        "$SYS/broker/uptime",
        "jieneng/v1//g1/readings",
        "jieneng/v1/i1//readings",
        "jieneng/v1/+/g1/readings",
        "jieneng/v1/i1/#/readings",
        "jieneng/v1/i1/../readings",
        "jieneng/v1/i1/CON/readings",
        "jieneng/v1/i1/g 1/readings",
        "jieneng/v1/i1/网关/readings",
        "jieneng/v1/i1/g1/commands",
        "jieneng/v1/i1/g1\n/readings",
        "jieneng/v1/i1/" + "g" * 65 + "/readings",
    ],
)
def test_other_topics_are_refused_with_a_reason(text: str) -> None:
    with pytest.raises(TopicError, match=r"expected|is not an id"):
        parse(text)


@given(st.text(max_size=200).filter(lambda text: not is_id(text)))
def test_no_text_breaks_the_parser(text: str) -> None:
    for topic in (
        text,
        f"jieneng/v1/{text}/g1/readings",
        f"jieneng/v1/i1/{text}/readings",
        f"jieneng/v1/i1/g1/{text}!",
    ):
        with pytest.raises(TopicError):
            parse(topic)


def test_a_long_topic_gives_a_short_message() -> None:
    with pytest.raises(TopicError) as refused:
        parse(f"jieneng/v1/{'i' * 60_000}/g1/readings")
    assert len(str(refused.value)) < 300


def test_a_collector_subscribes_alone_or_in_a_group() -> None:
    assert subscription() == "jieneng/v1/+/+/readings"
    assert subscription("status", group="c") == "$share/c/jieneng/v1/+/+/status"
