"""Each query of each panel, its variables filled, answered by a real InfluxDB 2 that holds the small province.

The province has 3 institutions (with 4 categories each) in 2 regions that have data (province and city) among 9; the
chosen institution is the hospital with 2 buildings, the chosen meter the main meter of its first building.
"""

from __future__ import annotations

import pytest

from dashboards.board import Place
from dashboards.boards import ALL
from dashboards.words import Words
from dashboards.words.entries import Language
from tests.dashboards.conftest import Stage
from tests.dashboards.viewer import Json, Viewer, panels

pytestmark = pytest.mark.services

ONE = [1]
"""Series of each query where a panel asks one thing of one place; all other panels are listed."""
SERIES = {
    "amounts": [4],  # electricity, water, gas, heat
    "overview.regions": [1, 2, 2, 2, 2],  # names; electricity, water, energy, completeness of 2 regions
    "overview.ranking": [1, 3],
    "overview.progress": [3, 1],
    "overview.completeness": [1, 3],
    "institution.items": [5],  # A B C D and what is not itemised
    "institution.items_days": [5],
    "institution.peers": [1, 1],  # the only hospital
    "institution.buildings": [1, 2, 2],
    "targets.progress": [3, 1],
    "targets.shares": [3, 1],
    "targets.grades": [3, 1],
    "findings.kinds": [3],
    "findings.cost_by": [3, 3, 1],
    "institution.findings": [1, 1],  # findings; names of meters
    "findings.list": [1, 1, 1],
    "findings.timeline": [1, 1, 1],
    "water.institutions": [1, 3, 3, 3],
    "water.per_person": [3, 1],
    "quality.course": [4],
    "quality.institutions": [1, 3, 3, 3],
    "quality.meters": [1, 1, 1],
    "quality.silent_by": [1, 1],
    "quality.reasons": [2],
    "collector.flow": [2],
    "collector.set_aside": [2],
    "collector.collectors": [1, 1],
}
ZERO = {"quality.estimated", "meter.states"}
"""Panels whose right answer is zero: nothing is estimated, the meter's intervals are measured."""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_panel_gets_the_series_it_is_made_for(stage_set: Stage, language: Language) -> None:
    viewer = Viewer(stage_set.influx, stage_set.start, stage_set.end)
    for make in ALL:
        board = make(Words(language))
        dashboard = board.json(Words(language), Place())
        viewer.open(dashboard)
        keys = [panel.key for section in board.sections for panel in section.panels]
        for key, panel in zip(keys, panels(dashboard), strict=True):
            answers = [viewer.ask(target["query"]) for target in panel["targets"]]
            assert [len(series) for series in answers] == SERIES.get(key, ONE), key
            largest = max(numbers(answers), default=None)
            assert largest is not None, key
            assert largest == 0 if key in ZERO else largest > 0, key


def numbers(answers: list[list[Json]]) -> list[float]:
    """Every number in the answers but their times."""
    cells = [cell for series in answers for one in series for row in one["values"] for cell in row[1:]]
    return [cell for cell in cells if isinstance(cell, int | float)]


def figure(stage: Stage, board: str, key: str) -> list[float]:
    """The numbers of a panel of one row."""
    words = Words("zh")
    maker = next(make for make in ALL if make(words).key == board)
    dashboard = maker(words).json(words, Place())
    viewer = Viewer(stage.influx, stage.start, stage.end)
    viewer.open(dashboard)
    panel = next(panel for panel in panels(dashboard) if panel["title"] == words(key))
    return numbers([viewer.ask(panel["targets"][0]["query"])])


def test_figures_that_can_be_counted_by_hand(stage_set: Stage) -> None:
    """Targets stand at 1.03, 0.86 and 0.42 of the year; every institution has one open and one closed finding,
    the first one more (closed), whose 900 yuan too little take nothing off what was too much."""
    assert figure(stage_set, "targets", "targets.issued") == [3]
    assert figure(stage_set, "targets", "targets.stage80") == [2]
    assert figure(stage_set, "targets", "targets.stage90") == [1]
    assert figure(stage_set, "targets", "targets.stage100") == [1]
    assert figure(stage_set, "targets", "targets.over") == [1]
    assert figure(stage_set, "findings", "findings.open") == [3]
    assert figure(stage_set, "findings", "findings.all") == [7]
    assert figure(stage_set, "findings", "findings.cost") == [2 * (480 + 610 + 740)]
    assert figure(stage_set, "findings", "findings.worst") == [240 + 65]
    assert figure(stage_set, "quality", "quality.silent") == [1]
    assert figure(stage_set, "quality", "quality.clocks") == [1]
    assert figure(stage_set, "quality", "quality.parked") == [24 * (4 + 3)]
    assert figure(stage_set, "collector", "collector.stored") == [1440 * 120]


def test_a_chosen_region_holds_its_subtree_and_nothing_beside_it(stage_set: Stage) -> None:
    """The province office belongs to 990000, hospital and university to the city 990100."""
    words = Words("zh")
    dashboard = ALL[0](words).json(words, Place())
    members = next(v for v in dashboard["templating"]["list"] if v["name"] == "members")
    viewer = Viewer(stage_set.influx, stage_set.start, stage_set.end)
    viewer.open(dashboard)
    assert viewer.chosen["region"] == "99"
    assert viewer.chosen["members"] == ["jz-yy1", "sl-dx", "sl-jgsw"]
    for prefix, held in (("9901", ["jz-yy1", "sl-dx"]), ("9902", []), ("990101", [])):
        viewer.chosen["region"] = prefix
        assert viewer.values(members) == held
    viewer.chosen |= {"region": "99", "type": "024"}
    assert viewer.values(members) == ["jz-yy1"]


def test_the_token_of_the_dashboards_may_only_read(stage_set: Stage) -> None:
    viewer = Viewer(stage_set.influx, stage_set.start, stage_set.end)
    with pytest.raises((AssertionError, OSError)):
        viewer.ask('DROP MEASUREMENT "total"')
    assert viewer.ask('SELECT count("amount") FROM "total"')
