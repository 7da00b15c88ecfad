"""Recorded buildings replayed as registers give the kWh of the source files again."""

from __future__ import annotations

import gzip
import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from energy.errors import RecordingError
from energy.intervals import LocalCalendar
from simulators import replay
from simulators.messages import Tally

HEADER = "datetime_utc,b1,b2\n"


def _folder(path: Path, **tables: str) -> Path:
    for name, text in tables.items():
        (path / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return path


def _sent(recording: replay.Recording) -> dict[str, dict[int, float]]:
    """Register by meter and instant, as read from the messages."""
    local = {(m.building, m.local): m.meter for m in recording.meters}
    found: dict[str, dict[int, float]] = {}
    for message in recording.messages():
        body = json.loads(message.payload)
        building = message.gateway.removeprefix("cam-")
        for name, column in body["values"].items():
            into = found.setdefault(local.get((building, name), name), {})
            into |= {t: v for t, v in zip(body["times"], column, strict=True) if v is not None}
    return found


def _year_differences(recording: replay.Recording) -> dict[tuple[str, int], float]:
    """kWh of each complete year from the registers at its two edges."""
    calendar, sent = LocalCalendar(recording.zone), _sent(recording)
    out = {}
    for meter, year in recording.year_sums():
        first = int(calendar.day_start(np.array([np.datetime64(f"{year}-01-01", "D").astype(int)]))[0])
        last = int(calendar.day_start(np.array([np.datetime64(f"{year + 1}-01-01", "D").astype(int)]))[0])
        out[meter, year] = sent[meter][last] - sent[meter][first]
    return out


def test_the_sample_gives_the_kwh_of_its_files_for_every_building_and_year() -> None:
    recording = replay.sample()
    source = {}
    for year in (2016, 2017):
        path = files("simulators") / "sample" / f"electricity_{year}.csv.gz"
        rows = [line.split(",") for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
        for i, building in enumerate(rows[0][1:], 1):
            source[f"cam.{building}.e", year] = sum(float(row[i]) for row in rows[1:])
    assert len(source) == 12
    assert _year_differences(recording) == pytest.approx(source, abs=0.05)
    assert recording.year_sums() == pytest.approx(source, abs=0.05)


@pytest.mark.skipif("RECORDED_BUILDINGS" not in os.environ, reason="RECORDED_BUILDINGS names no folder of recordings")
def test_a_folder_of_recordings_gives_its_own_kwh() -> None:
    recording = replay.load(Path(os.environ["RECORDED_BUILDINGS"]))
    assert _year_differences(recording) == pytest.approx(recording.year_sums(), abs=0.05)


def test_in_another_time_zone_years_begin_at_that_zones_midnight() -> None:
    sums = replay.sample(zone="Asia/Shanghai").year_sums()
    assert {year for _, year in sums} == {2017}  # the first eight hours of its 2016 lie before the files
    assert sums == pytest.approx(_year_differences(replay.sample(zone="Asia/Shanghai")), abs=0.05)


def test_a_zero_and_an_empty_cell_are_not_sent(tmp_path: Path) -> None:
    rows = [
        "2016-01-01T00:00,1.0,2.0",
        "2016-01-01T01:00,0.0,2.0",
        "2016-01-01T02:00,,2.0",
        "2016-01-01T03:00,1.5,2.0",
    ]
    recording = replay.load(_folder(tmp_path, electricity_2016=HEADER + "\n".join(rows)))
    hour, begin = 3600, 1_451_606_400  # 2016-01-01T00:00Z
    assert _sent(recording)["cam.b1.e"] == {begin: 1234.5, begin + hour: 1235.5, begin + 4 * hour: 1237.0}
    assert recording.year_sums() == {}


def test_a_year_complete_in_itself_does_not_need_the_year_before(tmp_path: Path) -> None:
    hours = np.arange("2016-01-01T00", "2017-01-01T00", dtype="M8[h]")
    body = "\n".join(f"{h}:00,1.1,0.5" for h in hours.astype(str))
    last_hour_missing = "2015-12-31T22:00,3.0,1.0\n2015-12-31T23:00,0.0,1.0"
    folder = _folder(tmp_path, electricity_2015=HEADER + last_hour_missing, electricity_2016=HEADER + body)
    recording = replay.load(folder)
    assert recording.year_sums() == {("cam.b1.e", 2016): 9662.4, ("cam.b2.e", 2016): 4392.0}  # 8,784 hours
    assert _year_differences(recording) == pytest.approx(recording.year_sums(), abs=1e-6)


def test_gas_is_a_second_meter_of_the_same_gateway(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path, electricity_2018=HEADER + "2018-01-01T00:00,1.0,2.0", gas_2018=HEADER + "2018-01-01T00:00,4.0,0.0"
    )
    recording = replay.load(folder, buildings=["b1"])
    assert {m["id"]: (m["category"], m["gateway"]) for m in recording.sheets["meters"]} == {
        "cam.b1.e": ("electricity", "cam-b1"),
        "cam.b1.g": ("gas", "cam-b1"),
    }
    assert [m.readings for m in recording.messages()] == [4]


def test_the_sample_brings_weather_areas_and_its_licence() -> None:
    sheets = replay.sample().sheets
    assert {row["quantity"] for row in sheets["sensors"]} == {"temperature", "humidity"}
    assert len(sheets["denominators"]) == 7
    assert {row["timezone"] for row in sheets["sites"]} == {"Europe/London"}
    licence = (files("simulators") / "sample" / "LICENSE.txt").read_text()
    assert "Copyright (c) 2023 Energy Efficient Cities Initiative, University of Cambridge" in licence
    assert "10.5281/zenodo.10955332" in licence


def test_what_is_sent_is_counted_exactly() -> None:
    tally = Tally()
    for _ in tally.counting(replay.sample().messages()):
        pass
    # six buildings: every hour of two years and the first edge; two weather columns
    assert tally.stored == 6 * (17_544 + 1) + 2 * 17_544


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header"),
        (HEADER + "2016-01-01T00:00,1.0", "expected 2 values in every row"),
        (HEADER + "2016-01-01T00:30,1.0,1.0", "whole hours in rising order"),
        (HEADER + "2016-01-01T00:00,1.0,many", "many"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message) as caught:
        replay.load(_folder(tmp_path, electricity_2016=text))
    assert "electricity_2016.csv.gz" in str(caught.value)


def test_an_empty_folder_and_an_unknown_building_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="found neither"):
        replay.load(tmp_path)
    _folder(tmp_path, electricity_2016=HEADER + "2016-01-01T00:00,1.0,2.0")
    with pytest.raises(RecordingError, match="no data of building b9"):
        replay.load(tmp_path, buildings=["b9"])
