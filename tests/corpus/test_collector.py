"""Every message of the corpus gets its verdict, alone and among neighbours that stay unharmed (P-20, P-21)."""

from __future__ import annotations

import pytest

from collector.judge import Judge, Judged
from energy.registry import Registry
from tests.collector.world import T0, TOPIC, judge, make_judge, make_registry, message, rows
from tests.corpus.collector import PECULIAR, SENML, Item, items

ITEMS = items()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return make_registry(tmp_path_factory.mktemp("corpus"))


def verdict(judged: Judged) -> str:
    """What became of a message of one reading."""
    counts = judged.group.counts
    if judged.group.parked:
        assert counts["taken"] == 1
        (parked,) = judged.group.parked
        return f"P:{parked.reason}"
    if counts["duplicate"]:
        return "DUP"
    if judged.fresh is None:
        return "IGNORED"
    return "OK!" if judged.fresh.flag[0] == 1 else "OK"


@pytest.mark.parametrize("entry", ITEMS, ids=[entry.title for entry in ITEMS])
def test_a_message_gets_its_verdict(entry: Item, registry: Registry) -> None:
    fresh = make_judge(registry)
    verdicts = [verdict(judge(fresh, payload, topic=entry.topic)) for payload in entry.messages]
    assert tuple(verdicts) == entry.verdicts


@pytest.mark.parametrize("entry", ITEMS, ids=[entry.title for entry in ITEMS])
def test_a_bad_message_never_takes_its_neighbours_with_it(entry: Item, registry: Registry) -> None:
    fresh = make_judge(registry)
    before, after = message(("e-side", T0 + 1, 7.0)), message(("e-side", T0 + 2, 8.0))
    judged = judge(fresh, before, *entry.messages, after, topic=entry.topic)
    if entry.topic == b"jieneng/v1/i1/g1/readings":
        kept = rows(fresh, judged)
        assert ("e2", T0 + 1, 7.0) in kept
        assert ("e2", T0 + 2, 8.0) in kept
        assert judged.codes[0] == judged.codes[-1] == 0
    assert len(judged.codes) == len(entry.messages) + 2


@pytest.mark.parametrize("topic", [TOPIC, SENML, PECULIAR], ids=["jieneng", "senml", "peculiar"])
def test_the_whole_corpus_in_one_group_is_accounted_for_in_every_format(topic: bytes, registry: Registry) -> None:
    fresh: Judge = make_judge(registry)
    judged = judge(fresh, *(payload for entry in ITEMS for payload in entry.messages), topic=topic)
    counts = judged.group.counts
    parked = sum(n for name, n in counts.items() if name.startswith("parked:"))
    assert judged.fresh is not None
    assert counts["taken"] == len(judged.fresh) + counts["duplicate"] + parked


def test_the_corpus_is_large_enough() -> None:
    assert len(ITEMS) >= 100
