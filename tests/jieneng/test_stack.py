"""`jieneng stack`: the Standard size from installed servers; its dashboards show what the embedded console shows."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from energy.errors import StorageForbidden
from energy.intervals import LocalCalendar
from energy.model import Category
from energy.registry import Registry
from energy.settings import Settings, load
from energy.storage import influx
from jieneng.running import DEMO_USER
from simulators import province
from tests.dashboards.viewer import filled, panels
from tests.jieneng.stacks import Stack, all_below, command, load_province, running_stack
from tests.jieneng.test_up import counted, is_alive, running_up
from tests.servers import Grafana, wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(900)]
ZONE = "Asia/Shanghai"
FIRST, LAST = date(2026, 1, 10), date(2026, 3, 8)
HOUSES = 3
Months = dict[tuple[str, str, int], float]
"""Amount by place, category and local start of the month."""


@dataclass(frozen=True)
class Console:
    """A console that somebody has entered."""

    url: str
    browser: OpenerDirector

    @classmethod
    def entered(cls, url: str, settings: Settings) -> Console:
        """By a one-time link of the demo user."""
        browser = build_opener(HTTPCookieProcessor())
        with closing(Registry.open(settings.registry_url)) as registry:
            link = registry.accounts.one_time_link(DEMO_USER, now=int(time.time()))
        browser.open(f"{url}/enter/{link}", timeout=30).close()
        return cls(url, browser)

    def months(self, level: str, place: str) -> Months:
        """The known monthly totals of a place, as its API tells them."""
        query = "first=2026-01-01&last=2026-03-31&period=month"
        with self.browser.open(f"{self.url}/api/v1/{level}/{place}/consumption?{query}", timeout=30) as answer:
            series = json.loads(answer.read())["series"]
        rows = [(one["category"], row["start"], row["amount"]) for one in series for row in one["rows"]]
        return {(place, category, start): amount for category, start, amount in rows if amount is not None}


@pytest.fixture(scope="module")
def shire() -> province.Province:
    return province.build(1, FIRST, LAST, houses=HOUSES)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, shire: province.Province) -> Iterator[Stack]:
    """A running stack that took the small province through its broker."""
    with running_stack(tmp_path_factory.mktemp("stack") / "home") as running:
        load_province(running.settings, shire, shire.window.start, shire.window.end)
        yield running


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, shire: province.Province) -> Iterator[Console]:
    """The embedded console of an installation that took the same province."""
    home = tmp_path_factory.mktemp("embedded") / "home"
    with running_up(home) as (_process, ports):
        settings = load(home, mqtt={"port": int(ports["mqtt"])})
        load_province(settings, shire, shire.window.start, shire.window.end)
        yield Console.entered(f"http://127.0.0.1:{ports['web']}", settings)


def test_dashboards_show_the_monthly_totals_of_the_embedded_console(
    stack: Stack, console: Console, shire: province.Province
) -> None:
    houses = [house.id for house in shire.houses]
    shown = of_institutions(stack.grafana, houses, shire.window.end) | of_region(stack.grafana, shire.window.end)
    expected: Months = {}
    for house in houses:
        expected |= console.months("institutions", house)
    region = console.months("regions", "990000")
    expected |= {key: amount for key, amount in region.items() if key[1] == "electricity"}
    assert len({start for _, _, start in expected}) == 3, "January to March"
    assert {place for place, _, _ in expected} == {*houses, "990000"}
    assert shown == expected


def of_institutions(grafana: Grafana, houses: list[str], end: int) -> Months:
    found: Months = {}
    for house in houses:
        for category in Category:
            chosen = {"institution": house, "category": category.value}
            found |= asked(grafana, "institution", "每月用量", chosen, end, house, category.value)
    return found


def of_region(grafana: Grafana, end: int) -> Months:
    return asked(grafana, "overview", "每月用电", {"region": "99"}, end, "990000", "electricity")


def asked(
    grafana: Grafana, board: str, title: str, chosen: Mapping[str, str], end: int, place: str, category: str
) -> Months:
    """What Grafana answers to the query of a provisioned panel, its variables filled."""
    dashboard = grafana.call("GET", f"/api/dashboards/uid/jieneng-{board}-zh")["dashboard"]
    (target,) = next(panel for panel in panels(dashboard) if panel["title"] == title)["targets"]
    start = LocalCalendar(ZONE).start_of(FIRST)
    query = {**target, "query": filled(target["query"], chosen, start, end)}
    answer = grafana.call("POST", "/api/ds/query", {"queries": [query], "from": f"{start}000", "to": f"{end}000"})
    found: Months = {}
    for frame in answer["results"][target["refId"]]["frames"]:
        names = [column["name"] for column in frame["schema"]["fields"]]
        columns = dict(zip(names, frame["data"]["values"], strict=True))
        rows = zip(columns["Time"], columns[f"{category}.amount"], strict=True) if columns else ()
        found |= {(place, category, time // 1000): amount for time, amount in rows if amount is not None}
    return found


def test_secrets_are_for_their_owner_and_none_is_a_default(stack: Stack) -> None:
    folder = stack.home / "secrets"
    names = {"broker_password", "influx_admin_token", "influx_password", "influx_read_token", "influx_token"}
    assert {path.name for path in folder.iterdir()} == names | {"grafana_password", "grafana_secret_key", "operator"}
    assert len({path.read_text() for path in folder.iterdir()}) == 8
    private = [*folder.iterdir(), stack.home / "mosquitto" / "passwords", stack.home / "mosquitto" / "acl"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    guess = Grafana(stack.home, stack.grafana.port, password="admin")
    with pytest.raises(HTTPError, match="401"):
        guess.call("GET", "/api/org")
    assert not [path.name for path in folder.iterdir() if path.read_text() in stack.printed]


def test_each_token_may_do_no_more_than_its_work(stack: Stack) -> None:
    store = stack.settings.store
    assert not influx.may_write(store)
    with influx.opened(influx.Address.to_write(store)) as writing:
        writing.write(b"trial value=1 0")
        with pytest.raises(StorageForbidden):
            writing.make_token("read")


def test_doctor_finds_the_stack_well(stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jieneng", "doctor", "--home", str(stack.home)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    for name in ("MQTT broker", "InfluxDB reading token: may only read", "Grafana"):
        assert f"ok   {name}" in done.stdout


def test_a_home_of_another_size_and_missing_servers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[store]\nkind = "embedded"\n')
    done = subprocess.run(command(tmp_path), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "is not that of a stack" in done.stderr
    nowhere = subprocess.run(command(tmp_path, "--influxd=/nowhere"), capture_output=True, text=True, timeout=60)
    assert nowhere.returncode == 1
    assert "name --influxd" in nowhere.stderr


def test_a_demo_through_broker_and_influxdb_is_judged_against_the_truth(tmp_path: Path) -> None:
    asked = ("--free-ports", "--demo", "--once", "--days", "8", "--houses", "2")
    done = subprocess.run(command(tmp_path / "home", *asked), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = counted(done.stdout)
    assert counts["sent"] > 100_000
    assert counts["sent"] == sum(n for name, n in counts.items() if name != "sent")
    assert re.search(r"meter-days equal to the truth\s+│ \d+", done.stdout)
    assert re.search(r"recorded building-years equal\s+│ 12 ", done.stdout)


def test_everything_stops_together_and_a_second_start_keeps_what_there_is(stack: Stack) -> None:
    """The last test here: it ends the stack of the others."""
    home = stack.home
    second = subprocess.run(command(home), capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "runs here" in second.stderr
    parts = all_below(stack.process.pid)
    kept = {path: path.read_bytes() for path in [home / "settings.toml", *(home / "secrets").iterdir()]}
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(60) == 0
    assert not any(is_alive(part) for part in parts)
    with running_stack(home) as again:
        parts = all_below(again.process.pid)
        assert {path: path.read_bytes() for path in kept} == kept
        assert again.grafana.call("GET", "/api/datasources/uid/jieneng/health")["status"] == "OK"
        again.process.kill()
        wait_until(lambda: not any(is_alive(part) for part in parts), timeout_s=60, what="the parts to end")
