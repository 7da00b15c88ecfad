"""What a viewer chooses: words to read, ids to ask with (`name|id` in the directory, parted by a pattern)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dashboards.panels import SOURCE, Json
from dashboards.queries import EVER, Select, Where, among, below, equal, fits, select
from dashboards.words import Words
from energy.reference import indicators
from energy.storage.schema import DIRECTORY

_PAIR: Final = r"/(?<text>[^|]+)\|(?<value>.+)/"
_PREFIX: Final = r"/(?<text>[^|]+)\|(?<value>\d+?)(?:00)*$/"
"""A region's code without its pairs of zeros: 990100 -> 9901, which everything below it begins with."""


def region(w: Words) -> Json:
    """A region; its value is the prefix of all codes in it."""
    return _query("region", w, _choices(w, equal("scope", "region")), regex=_PREFIX)


def institution_type(w: Words) -> Json:
    """The official class of institutions, or all of them."""
    return _custom("type", w, {code: w(f"type.{code}") for code in w.starting("type.")}, everything=True)


def members(w: Words) -> Json:
    """Hidden: the ids of all institutions of the chosen region and type."""
    chosen = (equal("scope", "institution"), below("region", "$region"), fits("type", "$type"))
    return _query("members", w, _choices(w, *chosen), hide=2, many=True)


def institution(w: Words) -> Json:
    """An institution of the chosen region."""
    return _query("institution", w, _choices(w, equal("scope", "institution"), below("region", "$region")))


def own_type(w: Words) -> Json:
    """Hidden: the official class of the chosen institution, for its peers."""
    chosen = select(DIRECTORY, "type", where=(equal("scope", "institution"), equal("id", "$institution")), span=EVER)
    return _query("own_type", w, chosen, regex="", hide=2)


def peers(w: Words) -> Json:
    """Hidden: the ids of all institutions of the same class."""
    chosen = (equal("scope", "institution"), equal("type", "$own_type"))
    return _query("peers", w, _choices(w, *chosen), hide=2, many=True)


def building(w: Words) -> Json:
    """A building of the chosen institution."""
    return _query("building", w, _choices(w, equal("scope", "building"), equal("parent", "$institution")))


def buildings(w: Words) -> Json:
    """Hidden: the ids of all buildings of the chosen institution."""
    where = (equal("scope", "building"), equal("parent", "$institution"))
    return _query("buildings", w, _choices(w, *where), hide=2, many=True)


def meter(w: Words) -> Json:
    """A meter of the chosen building, or of the institution itself."""
    return _query("meter", w, _choices(w, equal("scope", "meter"), among("parent", "$building", "$institution")))


def category(w: Words, words: Mapping[str, str]) -> Json:
    """A category of energy or water."""
    return _custom("category", w, words)


def indicator(w: Words) -> Json:
    """An indicator that has a target, or all of them."""
    found = {key: w.of(row.name_zh, row.name_en) for key, row in indicators().items()}
    return _custom("indicator", w, found, everything=True)


def meter_category(w: Words) -> Json:
    """Hidden: what the chosen meter measures."""
    chosen = select(DIRECTORY, "type", where=(equal("scope", "meter"), equal("id", "$meter")), span=EVER)
    return _query("category", w, chosen, regex="", hide=2)


def _choices(w: Words, *where: Where) -> Select:
    by_id = ("id",)  # a group comes in the order of its ids; else rows of one instant are ordered by their text
    return select(DIRECTORY, f"choice_{w.language}", where=where, span=EVER, group=by_id)


def _query(name: str, w: Words, query: Select, *, regex: str = _PAIR, hide: int = 0, many: bool = False) -> Json:
    return {
        "type": "query",
        "name": name,
        "label": w(f"variable.{name}"),
        "datasource": SOURCE,
        "query": {"query": str(query), "refId": name},
        "definition": str(query),
        "regex": regex,
        "refresh": 1,
        "sort": 0,
        "hide": hide,
        "multi": many,
        "includeAll": many,
        "current": {"text": "All", "value": ["$__all"]} if many else {},
        "options": [],
        "skipUrlSync": False,
    }


def _custom(name: str, w: Words, words: Mapping[str, str], *, everything: bool = False) -> Json:
    choices = {".*": w("all"), **words} if everything else words
    value, text = next(iter(choices.items()))
    return {
        "type": "custom",
        "name": name,
        "label": w(f"variable.{name}"),
        "query": ",".join(f"{text} : {value}" for value, text in choices.items()),
        "hide": 0,
        "multi": False,
        "includeAll": False,
        "current": {"text": text, "value": value},
        "options": [],
        "skipUrlSync": False,
    }
