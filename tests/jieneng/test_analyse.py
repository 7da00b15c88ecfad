"""`jieneng analyse`: as many processes as asked for, progress, the installation's clock, a record of the run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from energy.registry import Registry
from energy.settings import Settings
from energy.storage import open_store
from tests.analytics.jobs.conftest import Works, instant, meter
from tests.analytics.jobs.everything import everything

ROOT = Path(__file__).resolve().parents[2]


def opened(home: Path) -> Works:
    settings = Settings(home=home)
    registry = Registry.open(settings.registry_url, migrate=True)
    return Works(home, registry, open_store(settings, role="work"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation with readings of two institutions, nothing of them computed."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text('zone = "Asia/Urumqi"\n')
    works = opened(home)
    ingest = open_store(Settings(home=home), role="ingest")
    works.store.close()
    filled = Works(home, works.registry, ingest)
    filled.estate(meter("e1", building="b1"), meter("c1", institution="court"))
    for name in ("e1", "c1"):
        filled.hourly(name, "2026-01-05T02:00:00", [1.0] * 72)  # midnight of Urumqi
    filled.close()
    return home


def analyse(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jieneng", "analyse", *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )


def test_two_processes_write_what_one_does_and_say_how_far_they_are(home: Path, tmp_path: Path) -> None:
    other = shutil.copytree(home, tmp_path / "other")
    found = []
    for folder, workers in ((home, "1"), (other, "2")):
        done = analyse(folder, "--workers", workers)
        assert done.returncode == 0, done.stderr
        assert "computed 2 of 2 institutions" in done.stderr
        works = opened(folder)
        found.append(everything(works))
        days = works.rows("total", id="e1", period="day", item="all")
        assert days.time[0] == instant("2026-01-05T02:00:00")  # by the installation's clock, not Beijing's
        assert days.fields["amount"].tolist()[:3] == [24.0, 24.0, 24.0]
        works.close()
    assert found[0] == found[1]


def test_the_record_of_a_run_says_what_was_asked_when_and_what_came_of_it(home: Path) -> None:
    done = analyse(home, "--institution", "school", "--since", "2026-01-06")
    assert done.returncode == 0, done.stderr
    works = opened(home)
    (run,) = works.registry.runs.rows()
    works.close()
    counts = json.loads(run.counts)
    assert (run.job, run.state, run.error) == ("analyse", "done", "")
    assert run.ended is not None
    assert run.ended >= run.started
    assert "jieneng " in run.version
    assert counts["asked"] == {
        "institutions": ["school"],
        "since": instant("2026-01-06T02:00:00"),
        "refit": False,
        "workers": 1,
    }
    assert (counts["institutions"], counts["meters"]) == (1, 1)
    assert counts["written"]["interval"] == 72  # the reach of its first reading is the day before
    assert counts["seconds"] > 0
