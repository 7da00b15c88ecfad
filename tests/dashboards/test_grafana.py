"""Both ways into a real Grafana, each on its own: files, and pushing. A real browser opens every dashboard."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.board import Place
from dashboards.build import GENERATED, build
from dashboards.provision import Grafana as Door
from dashboards.provision import Source
from dashboards.words import Words
from energy.errors import GrafanaError
from simulators.catalogue import HOUSES
from tests.dashboards.conftest import Stage
from tests.dashboards.look import Range, complaints, open_board, table_of, unsettled
from tests.servers import ROOT, Grafana, Influx

pytestmark = [pytest.mark.services, pytest.mark.slow]
BOARDS = build()


@pytest.fixture(scope="module")
def provisioned(
    grafana_factory: Callable[..., Grafana], stage_set: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Grafana:
    """A Grafana that has read deploy/grafana and the committed dashboards."""
    folder = tmp_path_factory.mktemp("provisioning")
    secret = folder / "influx_read_token"
    secret.write_text(stage_set.influx.token + "\n")
    shutil.copytree(ROOT / "deploy" / "grafana" / "provisioning", folder, dirs_exist_ok=True)
    source = folder / "datasources" / "jieneng.yaml"
    source.write_text(source.read_text().replace("/run/secrets/influx_read_token", str(secret)))
    grafana = grafana_factory(provisioning=folder)
    grafana.environment = {
        "STORE_URL": stage_set.influx.url,
        "STORE_BUCKET": stage_set.influx.bucket,
        "DASHBOARDS_FOLDER": str(GENERATED),
    }
    grafana.start()
    return grafana


@pytest.fixture(scope="module")
def pushed(grafana_factory: Callable[..., Grafana], stage_set: Stage) -> Grafana:
    """A Grafana that was empty before the push."""
    grafana = grafana_factory()
    grafana.start()
    door = Door(grafana.url, grafana.service_token())
    changes = list(door.push(source_of(stage_set), Place()))
    assert {change.deed for change in changes} == {"new"}
    assert len(changes) == 1 + 2 + 16
    return grafana


@pytest.fixture(scope="module")
def empty(grafana_factory: Callable[..., Grafana], influx_server: Influx) -> Grafana:
    """A Grafana over a bucket in which there is nothing."""
    influx_server.new_bucket("empty")
    grafana = grafana_factory()
    grafana.start()
    source = Source(influx_server.url, "empty", influx_server.token)
    list(Door(grafana.url, grafana.service_token()).push(source, Place()))
    return grafana


def source_of(stage: Stage) -> Source:
    return Source(stage.influx.url, stage.influx.bucket, stage.influx.token)


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("way", ["provisioned", "pushed"])
def test_every_dashboard_opens_without_an_error_or_an_empty_panel(
    request: pytest.FixtureRequest, browser: Browser, stage_set: Stage, way: str, language: str
) -> None:
    grafana: Grafana = request.getfixturevalue(way)
    page = browser.new_page()
    try:
        for board in BOARDS[language]:
            open_board(page, grafana.url, board, Range(stage_set.start, stage_set.end))
            assert complaints(page, board) == [], board["uid"]
    finally:
        page.close()


@pytest.mark.browser
def test_open_findings_stand_by_yuan_times_certainty_and_the_timeline_newest_first(
    provisioned: Grafana, browser: Browser, stage_set: Stage
) -> None:
    """The first institution's findings are the newest and worth least; the others' are worth the same."""
    columns = {"zh": ("金额×可信度", "公共机构", "计量器具"), "en": ("Yuan × certainty", "Institution", "Meter")}
    page = browser.new_page()
    try:
        for language, (worth, institution, meter) in columns.items():
            words = Words(language)
            first, second, third = (words.of(house.name_zh, house.name_en) for house in HOUSES[:3])
            board = next(board for board in BOARDS[language] if board["uid"] == f"jieneng-findings-{language}")
            open_board(page, provisioned.url, board, Range(stage_set.start, stage_set.end), width=2400)
            assert complaints(page, board) == []
            head, *rows = table_of(page, words("findings.list"))
            assert head[:3] == [worth, institution, meter]
            assert [row[:2] for row in rows] == [["¥305", second], ["¥305", third], ["¥240", first]]
            head, *rows = table_of(page, words("findings.timeline"))
            assert head[0] == words("since")
            assert [row[1] for row in rows] == [first, second, third] * 2 + [first]
            assert [row[-1] for row in rows] == [words("open")] * 3 + [words("closed")] * 4
            _, *rows = table_of(page, words("findings.cost_by"))
            assert [row[:3] for row in rows] == [[third, "2", "1"], [second, "2", "1"], [first, "3", "1"]]
    finally:
        page.close()


@pytest.mark.browser
def test_an_empty_installation_shows_that_nothing_is_there_and_no_error(
    empty: Grafana, browser: Browser, stage_set: Stage
) -> None:
    page = browser.new_page()
    try:
        for board in BOARDS["zh"]:
            open_board(page, empty.url, board, Range(stage_set.start, stage_set.end))
            assert unsettled(page, board) == [], board["uid"]
    finally:
        page.close()


def test_pushing_twice_changes_nothing(pushed: Grafana, stage_set: Stage) -> None:
    door = Door(pushed.url, pushed.service_token())
    versions = [pushed.call("GET", f"/api/dashboards/uid/{b['uid']}")["dashboard"]["version"] for b in BOARDS["zh"]]
    assert {change.deed for change in door.push(source_of(stage_set), Place())} == {"same"}
    again = [pushed.call("GET", f"/api/dashboards/uid/{b['uid']}")["dashboard"]["version"] for b in BOARDS["zh"]]
    assert again == versions


def test_a_dry_run_shows_the_difference_and_changes_nothing(pushed: Grafana, stage_set: Stage) -> None:
    door = Door(pushed.url, pushed.service_token())
    for _ in range(2):
        place = Place(console="https://console.example")
        changed = [c for c in door.push(source_of(stage_set), place, dry_run=True) if c.deed != "same"]
        assert len(changed) == 16
        assert any("console.example" in line and line.startswith("+") for line in changed[0].difference)


def test_a_new_reading_token_is_a_change(pushed: Grafana, stage_set: Stage) -> None:
    door = Door(pushed.url, pushed.service_token())
    other = Source(stage_set.influx.url, stage_set.influx.bucket, "another")
    first = next(iter(door.push(other, Place(), dry_run=True)))
    assert (first.kind, first.deed) == ("data source", "changed")
    assert "another" not in "".join(first.difference)


def test_what_comes_from_files_is_not_pushed_over(provisioned: Grafana, stage_set: Stage) -> None:
    door = Door(provisioned.url, provisioned.service_token())
    with pytest.raises(GrafanaError, match="comes from files"):
        list(door.push(source_of(stage_set), Place()))


def test_a_wrong_token_and_a_wrong_address_say_what_to_do(pushed: Grafana, stage_set: Stage) -> None:
    other = Source(stage_set.influx.url, stage_set.influx.bucket, "another")
    with pytest.raises(GrafanaError, match=r"data source jieneng: answer 40[13].*grafana\.token"):
        list(Door(pushed.url, "glsa_wrong").push(other, Place()))
    with pytest.raises(GrafanaError, match=r"is grafana\.url right"):
        list(Door("http://127.0.0.1:9", "glsa_wrong").push(source_of(stage_set), Place()))
    with pytest.raises(GrafanaError, match="expected http"):
        Door("127.0.0.1:3000", "glsa_wrong")


def test_the_verb_pushes_what_the_settings_name(pushed: Grafana, stage_set: Stage, tmp_path: Path) -> None:
    settings = {
        "JIENENG_GRAFANA__URL": pushed.url,
        "JIENENG_GRAFANA__TOKEN": pushed.service_token(),
        "JIENENG_STORE__URL": stage_set.influx.url,
        "JIENENG_STORE__BUCKET": stage_set.influx.bucket,
        "JIENENG_STORE__READ_TOKEN": stage_set.influx.token,
    }
    done = subprocess.run(
        [sys.executable, "-m", "jieneng", "dashboards", "push", "--home", str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | settings,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("0 changed\n")
    assert done.stdout.count("same") == 19
