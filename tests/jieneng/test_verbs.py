"""Verbs that talk to a running installation: import, weather, check-payload, parked."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from energy.registry import write_sheets
from simulators import replay
from tests.jieneng.test_up import running_up

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Installation:
    """A running `jieneng up` and its ports."""

    home: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jieneng", *arguments, "--home", str(self.home)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=ROOT,
            env=os.environ | self.environment,
        )


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("verbs") / "home"
    with running_up(home) as (_process, addresses):
        ports = {"JIENENG_INGEST__HTTP_PORT": addresses["ingest"], "JIENENG_MQTT__PORT": addresses["mqtt"]}
        yield Installation(home, ports)


@pytest.fixture(scope="module")
def registered(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The installation with the recorded buildings in its registry."""
    path = tmp_path_factory.mktemp("sheets") / "sample.xlsx"
    write_sheets(replay.sample().sheets, path)
    first = installation.run("import", "registry", str(path))
    assert first.returncode == 0, first.stderr
    return installation


def test_the_same_import_again_changes_nothing(registered: Installation, tmp_path: Path) -> None:
    path = tmp_path / "again.xlsx"
    exported = registered.run("export", "registry", str(path))
    assert exported.returncode == 0, exported.stderr
    again = registered.run("import", "registry", str(path))
    assert again.returncode == 0, again.stderr
    assert "0 rows added; 0 rows changed" in again.stdout


def test_an_import_with_a_problem_names_sheet_row_and_column(registered: Installation, tmp_path: Path) -> None:
    sheets = replay.sample().sheets
    broken = {"buildings": [{**sheets["buildings"][0], "site": "nowhere"}]}
    write_sheets(broken, tmp_path / "broken.xlsx")
    done = registered.run("import", "registry", str(tmp_path / "broken.xlsx"))
    assert done.returncode == 1
    assert "buildings" in done.stderr
    assert "nowhere" in done.stderr


def pushed(installation: Installation, gateway: str, secret: str) -> int:
    """The status of a message by HTTP; it is nonsense, and only parked, where the credential opens."""
    port = installation.environment["JIENENG_INGEST__HTTP_PORT"]
    url = f"http://127.0.0.1:{port}/api/v1/readings?gateway={gateway}"
    return httpx.post(url, content=b"{}", auth=(gateway, secret)).status_code


def test_a_credential_opens_until_it_is_ended(registered: Installation) -> None:
    gateway = replay.sample().gateways[0]
    issued = registered.run("credential", gateway)
    secret = issued.stdout.split("password: ")[1].strip()
    assert pushed(registered, gateway, secret) == 202
    assert registered.run("credential", gateway, "--end").returncode == 0
    assert pushed(registered, gateway, secret) == 401


def test_weather_goes_through_the_collector_once(registered: Installation, tmp_path: Path) -> None:
    path = tmp_path / "weather.csv"
    path.write_text("datetime_utc,temp_c\n2016-01-01T00:00,3.5\n2016-01-01T01:00,\n2016-01-01T02:00,4.25\n")
    done = registered.run("import", "weather", str(path), "--column", "temp_c=cam.wx.t")
    assert done.returncode == 0, done.stderr
    assert "2 readings taken" in done.stdout


def test_a_weather_file_with_a_wrong_number_is_refused_by_line(registered: Installation, tmp_path: Path) -> None:
    path = tmp_path / "weather.csv"
    path.write_text("datetime_utc,temp_c\n2016-01-01T00:00,warm\n")
    done = registered.run("import", "weather", str(path), "--column", "temp_c=cam.wx.t")
    assert done.returncode == 1
    assert "line 2, temp_c: expected a number, got 'warm'" in done.stderr


def test_check_payload_says_what_would_happen_and_keeps_nothing(registered: Installation, tmp_path: Path) -> None:
    recording = replay.sample()
    meter = recording.meters[0]
    gateway = f"cam-{meter.building}"
    good = {"readings": [{"meter": meter.local, "time": 1500000000, "value": 1.5}]}
    bad = {"readings": [{"meter": "nobody", "time": 1500000000, "value": 1.5}]}
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    fine = registered.run("check-payload", str(tmp_path / "good.json"), "--gateway", gateway)
    assert fine.returncode == 0, fine.stderr
    assert "1 readings accepted" in fine.stdout
    poor = registered.run("check-payload", str(tmp_path / "bad.json"), "--gateway", gateway)
    assert poor.returncode == 1
    assert "parked unknown_device" in poor.stdout
    assert "unknown_device" not in registered.run("parked", "list").stdout


def test_replay_of_nothing_replays_nothing(registered: Installation) -> None:
    done = registered.run("parked", "replay", "--reason", "unknown_device")
    assert done.returncode == 0, done.stderr


def test_a_dry_replay_counts_and_sends_nothing(registered: Installation) -> None:
    sample = Path(replay.__file__).parent / "sample"
    done = registered.run("replay", str(sample), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "would be sent" in done.stdout


def test_the_gateway_page_is_right_word_by_word(installation: Installation, tmp_path: Path) -> None:
    """Its commands as they stand there; then a meter that nobody entered, which is parked, entered and replayed."""
    page = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
    start, steps, dry_run = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    assert start.startswith("jieneng up ")
    enter, issue, publish = (shlex.split(line, comments=True) for line in steps.splitlines())
    assert installation.run(*enter[1:]).returncode == 0
    secret = installation.run(*issue[1:]).stdout.split()[-1]
    example = [sys.executable, *(secret if word == "SECRET" else word for word in publish[1:])]
    example += ["--port", installation.environment["JIENENG_MQTT__PORT"]]
    sent = subprocess.run(example, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    assert sent.stdout.count("acknowledged: Success") == 4
    assert installation.run(*shlex.split(dry_run)[1:]).returncode == 0

    subprocess.run([*example, "--meter", "e-new"], capture_output=True, cwd=ROOT, timeout=60, check=True)
    listing = ("parked", "list", "--reason", "unknown_device")
    head, *parked = (line.split("\t") for line in installation.run(*listing).stdout.splitlines())
    assert head[:4] == ["id", "reason", "gateway", "meter"]
    assert {tuple(row[1:4]) for row in parked} == {("unknown_device", "trial-gw", "e-new")}
    shown = installation.run("parked", "show", parked[0][0]).stdout.splitlines()[-1]
    assert json.loads(shown)["readings"][0]["meter"] == "e-new"

    new = {"id": "trial-e-new", "institution": "trial", "gateway": "trial-gw", "local": "e-new", "name_zh": "新表",
           "name_en": "New", "category": "electricity", "unit": "kWh"}  # fmt: skip
    write_sheets({"meters": [new]}, tmp_path / "new.xlsx")
    assert installation.run("import", "registry", str(tmp_path / "new.xlsx")).returncode == 0
    assert "readings=4" in installation.run("parked", "replay", "--reason", "unknown_device").stdout
    assert installation.run(*listing).stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["check-payload", "nowhere.json", "--gateway", "trial-gw"], 2, "nowhere.json' does not exist"),
        (["analyse", "--institution", "nowhere"], 1, "institution 'nowhere' is not in the registry"),
    ],
)
def test_what_is_not_there_is_named(registered: Installation, arguments: list[str], code: int, told: str) -> None:
    done = registered.run(*arguments)
    assert done.returncode == code
    assert told in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
