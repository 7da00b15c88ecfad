"""Leave-out halves, choice of buildings and labels of the benchmark on other kinds, buildings and years."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from analytics.expected import WeatherUse
from analytics.metrics import Span
from benchmarks import generalise, peers
from benchmarks.faults import LABELLED, OTHERS, Fault
from benchmarks.folder import Labelled, Site, read_labelled
from benchmarks.generalise import WAYS, recall_of, well_recorded, with_faults, write_folder
from benchmarks.quality import Judged, expected_use
from benchmarks.wide import Year, read_wide
from energy.intervals import HOUR

NAMES = tuple(f"B{number}" for number in (3, 4, 7, 8, 10, 11))


def recorded(names: tuple[str, ...] = NAMES, zeros: dict[str, int] | None = None) -> Year:
    times = HOUR * np.arange(100, dtype=np.int64)
    use = np.ones((len(names), 100), np.float32)
    for name, n in (zeros or {}).items():
        use[names.index(name), :n] = 0.0
    return Year(names, times, use)


def test_the_halves_have_no_building_in_common_and_leave_none_out() -> None:
    even, odd = (well_recorded(recorded(), recorded(), half) for half in (0, 1))
    assert even == ["B4", "B8", "B10"]
    assert odd == ["B3", "B7", "B11"]
    assert sorted([*even, *odd]) == sorted(well_recorded(recorded(), recorded(), None))


def test_a_building_must_be_recorded_well_in_both_years() -> None:
    before, after = recorded(zeros={"B3": 2}), recorded(zeros={"B4": 1, "B7": 3})
    # 2 of 100 hours are too many, 1 is not
    assert well_recorded(before, after, None) == ["B4", "B8", "B10", "B11"]
    assert well_recorded(recorded(("B3", "B5")), recorded(), None) == ["B3"]


def test_a_missing_reading_counts_as_a_zero() -> None:
    year = recorded()
    year.use[0, :5] = np.nan
    assert "B3" not in well_recorded(recorded(), year, None)


def test_ways_hold_the_kinds_they_are_named_for() -> None:
    assert WAYS["labelled"] == (LABELLED, False)
    assert WAYS["other"] == (OTHERS, False)
    assert WAYS["spoilt"] == ({**LABELLED, **OTHERS}, True)
    assert WAYS["mixed"] == ({**LABELLED, **OTHERS}, False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recorded years of four buildings, laid out as the benchmark reads them."""
    root = tmp_path_factory.mktemp("recorded")
    (root / "cambridge").mkdir()
    for year in (2014, 2015):
        first = np.datetime64(f"{year}-01-01T00:00:00")
        n = int((np.datetime64(f"{year + 1}-01-01T00:00:00") - first).astype(int)) // HOUR
        use = np.round(50 + 20 * np.sin(np.arange(n) / 24)[:, None] * np.linspace(0.5, 1, 4), 1)
        lines = ["time,B1,B2,B3,B4"]
        lines += [f"{first + np.timedelta64(i, 'h')},{','.join(map(str, row))}" for i, row in enumerate(use.tolist())]
        with gzip.open(root / "cambridge" / f"electricity_{year}.csv.gz", "wt") as file:
            file.write("\n".join(lines) + "\n")
    return root


def made(folder: Path, way: str, half: int | None = None) -> tuple[Labelled, list[Fault]]:
    return with_faults(folder, Site.read(folder / "cambridge", "Europe/London", closure=True), 2015, way, half)


@pytest.mark.parametrize("way", WAYS)
def test_labels_are_the_hours_that_were_changed(folder: Path, way: str) -> None:
    data, faults = made(folder, way)
    inside = np.zeros(data.truth.shape, bool)
    for fault in faults:
        inside[fault.row, fault.first : fault.last + 1] = True
    np.testing.assert_array_equal(data.truth, inside)
    assert data.events == [Span(fault.row, fault.first, fault.last) for fault in faults]
    assert data.kinds == [fault.kind for fault in faults]
    assert set(data.kinds) <= set(WAYS[way][0])
    assert faults


def test_the_same_year_and_way_have_the_same_faults_and_another_way_has_others(folder: Path) -> None:
    (first, faults), (again, same), (_, others) = (made(folder, way) for way in ("other", "other", "labelled"))
    np.testing.assert_array_equal(first.after.use, again.after.use)
    assert faults == same
    assert faults != others


def test_only_spoilt_years_have_a_history_with_faults(folder: Path) -> None:
    honest, labelled, spoilt = (made(folder, way)[0].before.use for way in ("other", "labelled", "spoilt"))
    np.testing.assert_array_equal(honest, labelled)
    assert (spoilt != honest).any()


def test_halves_hold_half_the_buildings_each(folder: Path) -> None:
    assert [made(folder, "other", half)[0].names for half in (0, 1)] == [["B2", "B4"], ["B1", "B3"]]


def test_draws_and_severities_have_faults_of_their_own(folder: Path) -> None:
    site = Site.read(folder / "cambridge", "Europe/London", closure=True)
    drawn = [
        with_faults(folder, site, 2015, "mixed", None, times=times, draw=draw)[1]
        for times, draw in ((1.0, 0), (1.0, 0), (1.0, 1), (2.0, 0))
    ]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert all(fault.size >= 0.12 for fault in drawn[3])


def test_a_written_folder_reads_as_it_was_drawn(folder: Path, tmp_path: Path) -> None:
    data, _ = made(folder, "spoilt")
    write_folder(tmp_path, data, [])
    again = read_labelled(tmp_path, 2015)
    assert (again.names, again.events, again.kinds) == (data.names, data.events, data.kinds)
    np.testing.assert_array_equal(again.truth, data.truth)
    for found, written in ((again.before, data.before), (again.after, data.after)):
        np.testing.assert_array_equal(found.times, written.times)
        np.testing.assert_array_equal(found.use, written.use)


def test_recall_is_the_share_of_faults_touched_by_kind_and_size() -> None:
    faults = [Fault(0, "zero", 10, 20, 0.05), Fault(0, "zero", 40, 50, 0.2), Fault(1, "leak", 5, 30, 0.5)]
    flagged = np.zeros((2, 100), bool)
    flagged[0, 12] = flagged[1, 29] = True
    year = recorded(("B1", "B2"))
    data = Labelled(
        2015,
        ["B1", "B2"],
        year,
        year,
        flagged,
        [Span(f.row, f.first, f.last) for f in faults],
        ["zero", "zero", "leak"],
    )
    judged = Judged("as_seen", data, flagged.astype(np.float32), flagged, ~flagged, 0.0)
    assert recall_of([judged], [faults]) == {
        "leak": 1.0, "size < .1": 1.0, "size < .3": 0.0, "size >= .3": 1.0, "zero": 0.5,
    }  # fmt: skip


def test_expected_use_is_scored_on_the_next_year(folder: Path) -> None:
    before, after = (read_wide(folder / "cambridge" / f"electricity_{year}.csv.gz") for year in (2014, 2015))
    found = expected_use(
        before, after, Site.read(folder / "cambridge", "Europe/London", closure=True), WeatherUse.NEVER
    )
    assert found["meters"] == 4
    assert found["stand_in_share"] == 0
    # a wave that no calendar knows, of at most 20 around 50: its root mean square is 28 % of the mean
    assert 0 < found["hourly.cv_rmse.median"] < 0.29
    assert found["nmbe.median_abs"] < 0.05
    assert 0 <= found["interval80.year"] <= 1


def test_years_that_are_not_there_are_said_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generalise.main(["--data", str(folder), "--years", "2031"]) == 1
    assert peers.main(["--data", str(folder), "--fit", "2014", "--score", "2031", "--only", "opendsm"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("expected this file" in line and "choose years by --" in line for line in said)
