"""The program that judges the core on strangers' folders: its figures, recomputed, and what it makes of odd folders."""

from __future__ import annotations

import gzip
import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.expected import WeatherUse
from benchmarks import quality
from benchmarks.folder import Labelled, Site, carried_on, read_labelled
from benchmarks.wide import Year, read_wide
from energy.intervals import DAY, HOUR
from tests.benchmarks.recordings import AFTER, BEFORE, FAULTS, NAMES, Recordings, hours, office

BEFORE_CSV, AFTER_CSV = (f"cambridge/electricity_{year}.csv.gz" for year in (BEFORE, AFTER))
WEATHER, INJECTED = "cambridge/weather_2015_2016.csv.gz", f"anomaly/electricity_{AFTER}_injected.csv.gz"
LABELS, EVENTS = f"anomaly/labels_{AFTER}.csv.gz", f"anomaly/events_{AFTER}.csv"
YEARS = ("--fit", str(BEFORE), "--score", str(AFTER))
Figures = dict[str, float | None]


def no_literal(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def judged(folder: Path, *arguments: str) -> Figures:
    out = folder / "out.json"
    quality.main(["--data", str(folder), "--json", str(out), *(arguments or YEARS)])
    found: Figures = json.loads(out.read_text(), parse_constant=no_literal)
    return {key: value for key, value in found.items() if "cpu_" not in key}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Figures]:
    folder = Recordings.of_offices().write(tmp_path_factory.mktemp("plain"))
    return folder, judged(folder, *YEARS, "--scores", str(folder / "scores.parquet"))


def test_every_way_of_looking_has_its_figures(plain: tuple[Path, Figures]) -> None:
    figures = plain[1]
    for prefix in ("anomaly", "as_seen.anomaly"):
        for key in ("auc", "ap", "evp", "evr", "evr_by_chance", "alarms_per_meter_year", "no_score_share"):
            assert figures[f"{prefix}.{key}"] is not None
        assert figures[f"{prefix}.events"] == len(FAULTS)
        assert {key.rpartition(".")[2] for key in figures if key.startswith(f"{prefix}.evr.")} == {f[1] for f in FAULTS}
    for key in (
        "hourly.cv_rmse.median",
        "daily.cv_rmse.mean",
        "nmbe.median_abs",
        "stand_in_share",
        "interval80.hourly",
    ):
        assert figures[f"expected.{key}"] is not None
    assert figures["expected.meters"] == 3
    assert figures["as_seen.anomaly.evr"] == 1.0


def alarms_of(flagged: list[int]) -> list[tuple[int, int]]:
    """Hours closer than six, the slow way."""
    alarms: list[list[int]] = []
    for hour in flagged:
        if alarms and hour - alarms[-1][1] < 6:
            alarms[-1][1] = hour
        else:
            alarms.append([hour, hour])
    return [(first, last) for first, last in alarms]


@pytest.mark.parametrize(("mode", "prefix"), [("retrospective", "anomaly"), ("as_seen", "as_seen.anomaly")])
def test_figures_can_be_recomputed_from_the_scores(plain: tuple[Path, Figures], mode: str, prefix: str) -> None:
    folder, figures = plain
    table = pd.read_parquet(folder / "scores.parquet")
    assert list(table) == ["year", "building", "hour", "mode", "score", "flagged", "alarm"]
    table = table[table["mode"] == mode]
    assert len(table) == 3 * 8784
    labels = pd.read_csv(folder / LABELS)
    truth = [labels[name][hour] == 1 for name, hour in zip(table["building"], table["hour"], strict=True)]
    score = table["score"].tolist()
    positive = sorted((s for s, t in zip(score, truth, strict=True) if t), reverse=True)
    negative = sorted(s for s, t in zip(score, truth, strict=True) if not t)
    wins = sum(bisect_left(negative, s) + bisect_right(negative, s) for s in positive) / 2
    assert figures[f"{prefix}.auc"] == pytest.approx(wins / len(positive) / len(negative), rel=1e-13)
    precision, done = 0.0, 0
    for value in sorted(set(positive), reverse=True):
        reached = sum(s >= value for s in positive)
        taken = reached + len(negative) - bisect_left(negative, value)
        precision += (reached - done) / len(positive) * reached / taken
        done = reached
    assert figures[f"{prefix}.ap"] == pytest.approx(precision, rel=1e-13)

    first = pd.Timestamp(AFTER, 1, 1)
    events: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, _, *span in FAULTS:
        a, b = (int((pd.Timestamp(t) - first).total_seconds()) // HOUR for t in span)
        events[name].append((a, b))
    alarms = {name: alarms_of(own.loc[own["flagged"], "hour"].tolist()) for name, own in table.groupby("building")}
    pairs = [(a <= d and c <= b, n, (a, b), (c, d)) for n, own in alarms.items() for a, b in own for c, d in events[n]]
    n_alarms = sum(map(len, alarms.values()))
    assert figures[f"{prefix}.evp"] == len({(n, alarm) for met, n, alarm, _ in pairs if met}) / n_alarms
    assert figures[f"{prefix}.evr"] == len({(n, event) for met, n, _, event in pairs if met}) / len(FAULTS)
    assert figures[f"{prefix}.alarms_per_meter_year"] == n_alarms / 3
    numbered = table[table["alarm"] > 0].groupby("alarm").agg({"building": "first", "hour": ["min", "max"]})
    assert sorted(map(tuple, numbered.to_numpy().tolist())) == sorted((n, *a) for n, own in alarms.items() for a in own)


Change = Callable[[Recordings], None]


def change(name: str, how: Callable[[Any], Any]) -> Change:
    def apply(recordings: Recordings) -> None:
        recordings.tables[name] = how(recordings.tables[name])

    return apply


SAME: dict[str, Change] = {
    "rows and columns in another order": change(LABELS, lambda t: t[["b3", "b1", "b2"]].sample(frac=1, random_state=1)),
    "not packed": change(INJECTED, lambda t: t.to_csv()),
    "with a mark of the byte order": change(BEFORE_CSV, lambda t: "\ufeff" + t.to_csv()),
    "commas at the ends of lines": change(BEFORE_CSV, lambda t: t.to_csv().replace("\n", ",\n")),
    "stamps that name their zone": change(INJECTED, lambda t: t.set_axis([f"{i}:00Z" for i in t.index])),
    "weather with words and in disorder": change(WEATHER, lambda t: t.assign(said="dry").sample(frac=1)),
    "other columns in the events": change(EVENTS, lambda t: t.assign(n=9)[["last_hour", "n", "kind", "first_hour"]]),
    "events of other buildings": change(EVENTS, lambda t: pd.concat([t, t.loc[["b1"]].rename({"b1": "b9"})])),
}  # fmt: skip


@pytest.mark.parametrize("how", SAME)
def test_what_says_the_same_in_another_form_has_the_same_figures(
    plain: tuple[Path, Figures], tmp_path: Path, how: str
) -> None:
    recordings = Recordings.of_offices()
    SAME[how](recordings)
    assert judged(recordings.write(tmp_path)) == plain[1]


WORKS: dict[str, Change] = {
    "no weather": change(WEATHER, lambda t: None),
    "weather of the year before alone": change(WEATHER, lambda t: t.iloc[:8760]),
    "weather of the judged year alone": change(WEATHER, lambda t: t.iloc[8760:]),
    "weather without a month": change(WEATHER, lambda t: t.drop(t.index[9000:9700])),
    "weather without temperature": change(WEATHER, lambda t: t.drop(columns="temp_c")),
    "a year before that begins in September": change(BEFORE_CSV, lambda t: t.iloc[243 * 24 :]),
    "hours that are not there": change(INJECTED, lambda t: t.drop(t.index[100:200])),
    "words for missing": change(INJECTED, lambda t: t.astype(object).where(t["b1"] > 9, "nan")),
    "whole numbers": change(INJECTED, lambda t: t.round().astype(int)),
    "a constant": change(INJECTED, lambda t: t.assign(b3=7.0)),
    "what is fed in": change(INJECTED, lambda t: t - 100),
    "faults of other kinds": change(EVENTS, lambda t: t.assign(kind=["漏水", "a.b", None, ""])),
    "faults without kinds": change(EVENTS, lambda t: t.drop(columns="kind")),
    "no labels of hours": change(LABELS, lambda t: None),
    "no list of events": change(EVENTS, lambda t: None),
    "no faults": lambda r: r.tables.update({LABELS: r.tables[LABELS] * 0, EVENTS: None}),  # type: ignore[operator]
    "a fault all the year": change(EVENTS, lambda t: t.assign(first_hour="2015-12-01", last_hour="2017-03-01")),
}  # fmt: skip


@pytest.mark.parametrize("what", WORKS)
def test_odd_folders_are_judged(
    plain: tuple[Path, Figures], tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    recordings = Recordings.of_offices()
    WORKS[what](recordings)
    figures = judged(recordings.write(tmp_path))
    assert {key for key in plain[1] if ".evr." not in key} <= set(figures)
    assert capsys.readouterr().err == ""
    if what != "no faults":
        assert figures["as_seen.anomaly.auc"] is not None
        assert figures["as_seen.anomaly.evr"] is not None
    else:
        assert figures["as_seen.anomaly.evr"] is None
        assert figures["as_seen.anomaly.evp"] == 0


@pytest.mark.parametrize("scale", [1e-4, 1e6])
def test_the_size_of_meters_changes_no_figure(plain: tuple[Path, Figures], tmp_path: Path, scale: float) -> None:
    recordings = Recordings.of_offices()
    for name in (BEFORE_CSV, AFTER_CSV, INJECTED):
        change(name, lambda t: t * scale)(recordings)
    assert judged(recordings.write(tmp_path)) == pytest.approx(plain[1], rel=1e-3, abs=1e-3)


SAID: dict[str, tuple[Change, str]] = {
    "a file that is not there": (change(BEFORE_CSV, lambda t: None), "electricity_2015.csv.gz: expected this file"),
    "neither labels nor events": (lambda r: r.tables.update({LABELS: None, EVENTS: None}), "there is neither"),
    "labels of other buildings": (change(LABELS, lambda t: t.add_prefix("x")), "expected labels of b1, b2, b3"),
    "quarter hours": (
        change(INJECTED, lambda t: t.set_axis([i.replace(":00", ":15") for i in t.index])),
        "came '2016-01-01T00:15' in line 2",
    ),
    "other dates": (change(INJECTED, lambda t: t.set_axis(["1/2/2016"] * len(t))), "came '1/2/2016' in line 2"),
    "another year": (change(INJECTED, lambda t: office(2014)), "expected hours of 2016, came 2014-01-01T00:00"),
    "an hour twice": (change(INJECTED, lambda t: pd.concat([t, t.iloc[[5]]])), "came twice: 2016-01-01T05:00"),
    "a building twice": (change(INJECTED, lambda t: t.set_axis(["b1", "b1", "b2"], axis=1)), "came twice: b1"),
    "words": (change(INJECTED, lambda t: t.astype(object).where(t["b1"] > 0, "-")), "came '-' in line"),
    "half a file": (change(INJECTED, lambda t: gzip.compress(t.to_csv().encode())[:999]), "plain or gzip: Compressed"),
    "an empty file": (change(INJECTED, lambda t: ""), "expected a CSV file"),
    "no rows": (change(INJECTED, lambda t: t.iloc[:0]), "expected hours of 2016, came no row"),
    "events backwards": (
        change(EVENTS, lambda t: t.rename(columns={"last_hour": "first_hour", "first_hour": "last_hour"})),
        "expected last_hour not before first_hour",
    ),
    "events without hours": (change(EVENTS, lambda t: t.drop(columns="last_hour")), "expected the column last_hour"),
}  # fmt: skip


@pytest.mark.parametrize("what", SAID)
def test_what_cannot_be_judged_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    recordings = Recordings.of_offices()
    SAID[what][0](recordings)
    quality.main(["--data", str(recordings.write(tmp_path)), *YEARS])
    lines = [line for line in capsys.readouterr().err.splitlines() if SAID[what][1] in line]
    assert lines
    assert all(line.startswith("quality: ") for line in lines)


def test_a_folder_without_anything_to_judge_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert quality.main(["--data", str(tmp_path)]) == 1
    assert "came nothing to judge" in capsys.readouterr().err


def test_years_that_are_not_there_are_named(plain: tuple[Path, Figures], capsys: pytest.CaptureFixture[str]) -> None:
    figures = judged(plain[0], "--fit", "2030")
    assert "years there: 2015, 2016; choose by --fit and --score" in capsys.readouterr().err
    assert "expected.meters" not in figures
    assert figures["anomaly.auc"] == plain[1]["anomaly.auc"]


def test_a_zone_without_a_table_of_holidays_is_judged_by_weekdays(plain: tuple[Path, Figures]) -> None:
    assert judged(plain[0], *YEARS, "--zone", "America/New_York", "--no-closure")["expected.meters"] == 3
    with pytest.raises(SystemExit):
        quality.main(["--data", str(plain[0]), "--zone", "Mars/Olympus"])


def test_meters_without_a_year_before_count_and_how_often_is_said(tmp_path: Path) -> None:
    recordings = Recordings.of_offices()
    table = office(BEFORE).drop(columns="b1")
    table["b2"] = 0.0  # the source writes missing readings as 0
    recordings.tables[BEFORE_CSV] = table
    figures = judged(recordings.write(tmp_path))
    assert figures["expected.meters"] == 1
    assert figures["expected.left_out_meters"] == 2
    assert figures["as_seen.anomaly.events"] == len(FAULTS)
    assert figures["as_seen.anomaly.no_score_share"] == pytest.approx(2 / 3)
    assert figures["anomaly.no_score_share"] == 0


def test_hours_that_are_not_there_are_counted(tmp_path: Path) -> None:
    recordings = Recordings.of_offices()
    change(INJECTED, lambda t: t.drop(t.index[:878]))(recordings)
    assert judged(recordings.write(tmp_path))["anomaly.missing_share"] == pytest.approx(878 / 8784)


def test_years_are_judged_together(tmp_path: Path) -> None:
    recordings = Recordings.of_offices()
    recordings.tables[INJECTED.replace("2016", "2017")] = office(2017)
    recordings.tables[LABELS.replace("2016", "2017")] = pd.DataFrame(0, hours(2017), list(NAMES))
    figures = judged(recordings.write(tmp_path))
    alone = judged(Recordings.of_offices().write(tmp_path / "alone"))
    assert figures["as_seen.anomaly.events"] == len(FAULTS)
    several, one = (found["as_seen.anomaly.alarms_per_meter_year"] for found in (figures, alone))
    assert several is not None
    assert one is not None
    assert several >= one / 2


@pytest.fixture(scope="module")
def labelled(plain: tuple[Path, Figures]) -> tuple[Labelled, Site]:
    return read_labelled(plain[0], AFTER), Site.read(plain[0] / "cambridge", "Europe/London", closure=True)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=st.integers(0, 362), seed=st.integers(0, 99), unknown=st.sampled_from([0.0, 0.3, 1.0]))
def test_a_day_is_judged_with_nothing_that_comes_after_the_next(
    labelled: tuple[Labelled, Site], day: int, seed: int, unknown: float
) -> None:
    data, site = labelled
    local = site.calendar.day_number(data.after.times)
    later = local > local[0] + day + 1
    generator = np.random.default_rng(seed)
    use = data.after.use.copy()
    made = generator.gamma(2, 20, use.shape).astype(np.float32)
    made[generator.random(use.shape) < unknown] = np.nan
    use[:, later] = made[:, later]
    end = data.after.times[later][0]
    assert site.temperature is not None
    weather = np.where(site.times >= end, generator.normal(10, 20, len(site.times)), site.temperature)
    weather[(site.times >= end) & (generator.random(len(weather)) < 0.1)] = np.nan
    holes = (site.times >= end - 5 * DAY) & (site.times < end) | (site.times > end + 20 * DAY)
    whole = quality.as_seen(data, replace(site, temperature=np.where(holes, np.nan, site.temperature)))
    changed = quality.as_seen(
        replace(data, after=replace(data.after, use=use)),
        replace(site, temperature=np.where(holes, np.nan, weather)),
    )
    judged_by_then = local <= local[0] + day
    np.testing.assert_array_equal(whole.score[:, judged_by_then], changed.score[:, judged_by_then])
    np.testing.assert_array_equal(whole.flagged[:, judged_by_then], changed.flagged[:, judged_by_then])


def test_holes_in_the_weather_hold_the_last_known_value_of_their_hour() -> None:
    before = np.arange(48.0)
    values = np.full(50, np.nan)
    values[[0, 25]] = 100.0, 200.0
    found = carried_on(before, values)
    assert found[:3].tolist() == [100.0, 25.0, 26.0]
    assert found[24:27].tolist() == [100.0, 200.0, 26.0]
    assert found[48:].tolist() == [100.0, 200.0]
    assert np.isnan(carried_on(None, values)[1])


def test_expected_use_is_fitted_without_the_year_that_it_is_scored_on(plain: tuple[Path, Figures]) -> None:
    """Were the fit to see the scored year, its error would not follow when that year is raised."""
    before, after = (read_wide(plain[0] / name) for name in (BEFORE_CSV, AFTER_CSV))
    site = Site.read(plain[0] / "cambridge", "Europe/London", closure=True)

    def share_explained(times: float) -> float:
        raised = Year(after.names[:1], after.times, after.use[:1] * np.float32(times))
        return 1 - quality.expected_use(before, raised, site, WeatherUse.ALWAYS)["nmbe.median_abs"]

    assert share_explained(2) == pytest.approx(2 * share_explained(4), rel=1e-6)
    assert share_explained(2) == pytest.approx(0.5, rel=0.01)
