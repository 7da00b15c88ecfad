"""Dashboards as code: what is committed is what is built, and every word and field exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dashboards.board import BOARDS, Place, uid
from dashboards.build import GENERATED, build, text, write
from dashboards.panels import SOURCE
from dashboards.queries import Column, among, below, equal, select
from dashboards.words import LANGUAGES, PANELS, TERMS, Words
from energy.storage.schema import DIRECTORY, MEASUREMENTS, TOTAL
from tests.dashboards.viewer import Json, panels

BUILT = build()
ALL = [pytest.param(board, id=board["uid"]) for boards in BUILT.values() for board in boards]
SHIPPED = {"stat", "gauge", "timeseries", "barchart", "table", "heatmap", "state-timeline", "piechart"}


def test_what_is_committed_is_what_is_built(tmp_path: Path) -> None:
    write(tmp_path)
    built = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.json")}
    committed = {path.relative_to(GENERATED): path.read_bytes() for path in GENERATED.rglob("*.json")}
    assert built == committed, "run `jieneng dashboards build`"


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    assert len(write(tmp_path)) == 16
    assert write(tmp_path) == []


def test_uids_are_stable_and_every_language_has_every_dashboard() -> None:
    for language in LANGUAGES:
        assert [board["uid"] for board in BUILT[language]] == [uid(key, language) for key in BOARDS]


def test_zone_and_console_of_the_installation_are_in_the_dashboards() -> None:
    (board, *_) = build(Place("Asia/Urumqi", "https://jn.example"))["zh"]
    assert board["timezone"] == "Asia/Urumqi"
    console = next(v for v in board["templating"]["list"] if v["name"] == "console")
    assert (console["type"], console["query"]) == ("constant", "https://jn.example")


@pytest.mark.parametrize("board", ALL)
def test_panels_ship_with_grafana_fit_the_width_and_explain_themselves(board: Json) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(board):
        assert panel["type"] in SHIPPED
        assert panel["title"]
        assert panel["description"].endswith((".", "。")), panel["title"]
        assert "\n" not in panel["description"]
        assert panel["datasource"] == SOURCE
        grid = panel["gridPos"]
        cells = {(grid["x"] + i, grid["y"] + j) for i in range(grid["w"]) for j in range(grid["h"])}
        assert grid["x"] + grid["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("board", ALL)
def test_every_link_to_another_dashboard_finds_it_and_its_variables(board: Json) -> None:
    variables = {b["uid"]: {v["name"] for v in b["templating"]["list"]} for boards in BUILT.values() for b in boards}
    links = re.findall(r"/d/([\w-]+)([^\"]*)", text(board))
    assert links
    for target, rest in links:
        assert target in variables
        assert set(re.findall(r"var-(\w+)=", rest)) <= variables[target], (target, rest)


@pytest.mark.parametrize("board", ALL)
def test_every_name_asked_for_exists_in_the_schema(board: Json) -> None:
    """Read anew from the text that is sent, without the builder's own check."""
    asked = [target["query"] for panel in panels(board) for target in panel["targets"]]
    asked += [v["query"]["query"] for v in board["templating"]["list"] if v["type"] == "query"]
    asked += [annotation["query"] for annotation in board["annotations"]["list"]]
    assert asked
    for query in asked:
        (measurement,) = set(re.findall(r'FROM "(\w+)"', query))
        schema = MEASUREMENTS[measurement]
        made = set(re.findall(r'AS "([^"]+)"', query))
        stored = set(re.findall(r'"([^"]*)"', query)) - made - {measurement}
        assert stored <= {*schema.tags, *schema.all_fields}, query


def test_no_words_are_missing_in_a_language_and_none_are_spare() -> None:
    said = text({"all": BUILT})
    for key, (zh, en, *_) in {**TERMS, **PANELS}.items():
        assert zh, key
        assert en, key
    spare = [key for key, (zh, *_) in PANELS.items() if json.dumps(zh, ensure_ascii=False) not in said]
    assert spare == []


def test_chinese_dashboards_speak_chinese_and_english_ones_english() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for board in BUILT["en"]:
        for panel in panels(board):
            assert not chinese.search(panel["title"] + panel["description"]), panel["title"]
    for board in BUILT["zh"]:
        for panel in panels(board):
            assert chinese.search(panel["title"]), panel["title"]


def test_a_query_names_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"total: expected one of .*amount.* came \['ammount'\]"):
        select(TOTAL, "ammount")
    inner = select(TOTAL, Column("max({amount})", "most"), group=("id",))
    with pytest.raises(ValueError, match="inner query"):
        select(inner, Column("mean({amount})", "mean"))


def test_a_query_in_full() -> None:
    query = select(
        TOTAL,
        Column("sum({amount}) / 1000", "mwh"),
        where=(equal("scope", "institution"), among("id", "$members"), below("category", "$region")),
        group=("id",),
    )
    assert str(query) == (
        'SELECT sum("amount") / 1000 AS "mwh" FROM "total" WHERE "scope" = \'institution\' '
        'AND "id" =~ /^(${members:regex})$/ AND "category" =~ /^${region:raw}/ AND $timeFilter GROUP BY "id"'
    )


def test_names_of_the_directory_are_in_the_language_of_the_dashboard() -> None:
    assert {"name_zh", "name_en", "choice_zh", "choice_en"} <= set(DIRECTORY.texts)
    assert "name_zh" not in text({"all": BUILT["en"]})
    assert "name_en" not in text({"all": BUILT["zh"]})


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(KeyError):
        Words("zh")("no such word")
