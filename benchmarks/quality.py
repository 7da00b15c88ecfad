"""Quality of the core on a folder of hourly data: expected use and anomalies, by the metrics of `analytics.metrics`.

    python benchmarks/quality.py --data FOLDER --json OUT.json [--scores OUT.parquet] [--fit 2016] [--score 2017]

FOLDER holds `cambridge/electricity_YYYY.csv.gz` and `cambridge/weather_*.csv.gz` (hourly, UTC, one column a building;
a value of 0 is a missing reading), and `anomaly/electricity_YYYY_injected.csv.gz` with `labels_YYYY.csv.gz` and
`events_YYYY.csv`. Anomalies are judged for every such year whose year before lies in `cambridge/`, retrospectively
(keys `anomaly.*`, threshold: the lowest with 12 alarms per meter-year) and as seen (keys `as_seen.anomaly.*`,
thresholds of the year before). Where they are there, `anomaly/register_*` give the figures of registers (`registers.*`,
see `benchmarks.vee`) and `benchmarking/*.csv.gz` the worst of all groups of peers (`quotas.*`, see
`benchmarks.quotas`). `--scores` keeps every hour: year, building, hour (of the UTC year, from 0), mode, score, flagged,
alarm (number of the alarm the hour belongs to, 0 for none).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import sys
import time
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it finds its neighbours too

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from analytics import anomalies, metrics  # noqa: E402
from analytics.calendars import CalendarRows, calendar_rows  # noqa: E402
from analytics.design import Design, Terms, Weather, build_design, choose_terms  # noqa: E402
from analytics.expected import WEATHER_USE, WeatherUse, fit_expected  # noqa: E402
from analytics.spread import half_of_sum  # noqa: E402
from benchmarks import quotas, vee  # noqa: E402
from benchmarks.wide import Year, read_wide  # noqa: E402
from energy.holidays import country_of, work_calendar  # noqa: E402
from energy.intervals import HOUR, LocalCalendar, Window  # noqa: E402
from energy.series import BoolArray, Float32Array, FloatArray, IntArray  # noqa: E402

ALARMS_PER_YEAR = 12.0
OWN_KEYS = ("evp", "evr", "alarms_per_meter_year")


@dataclass(frozen=True)
class Site:
    """Weather and calendar of all buildings of a folder."""

    calendar: LocalCalendar
    times: IntArray
    weather: pd.DataFrame
    closure: bool

    @classmethod
    def read(cls, folder: Path, zone: str, closure: bool) -> Site:
        tables = [pd.read_csv(path) for path in sorted(folder.glob("weather_*.csv.gz"))]
        weather = pd.concat(tables) if tables else pd.DataFrame({"datetime_utc": []})
        times = pd.to_datetime(weather.iloc[:, 0]).to_numpy().astype("M8[s]").astype(np.int64)
        return cls(LocalCalendar(zone), times, weather, closure)

    def rows(self, times: IntArray) -> CalendarRows:
        kinds = work_calendar(country_of(self.calendar.zone)).kind
        return calendar_rows(times, HOUR, self.calendar, kinds=kinds, closed=self._closed(times))

    def _closed(self, times: IntArray) -> IntArray:
        """The university's own calendar: closed from 24 December to 1 January."""
        days = np.unique(self.calendar.day_number(times))
        dates = [datetime.fromtimestamp(int(d) * 86_400, UTC).date() for d in days] if self.closure else []
        return np.array(
            [
                n
                for n, d in zip(days, dates, strict=False)
                if (d.month, d.day) >= (12, 24) or (d.month, d.day) == (1, 1)
            ],
            np.int64,
        )

    def at(self, times: IntArray) -> Weather:
        def column(name: str) -> FloatArray | None:
            if name not in self.weather or not len(self.times):
                return None
            place = np.clip(np.searchsorted(self.times, times), 0, len(self.times) - 1)
            values = self.weather[name].to_numpy(np.float64)[place]
            return np.where(self.times[place] == times, values, np.nan)

        return Weather(column("temp_c"), column("ghi_w_m2"))

    def design(self, times: IntArray, terms: Terms | None = None) -> tuple[Terms, Design]:
        calendar, weather = self.rows(times), self.at(times)
        chosen = choose_terms(calendar, weather) if terms is None else terms
        return chosen, build_design(chosen, calendar, weather)


def positive(values: Float32Array) -> Float32Array:
    """Missing readings were written as 0 by the source."""
    return np.where(values > 0, values, np.float32(np.nan))


def expected_use(before: Year, after: Year, site: Site, use: WeatherUse) -> dict[str, float]:
    """Fit on one year, score the next; every building that both years have."""
    names = [name for name in before.names if name in after.names]
    start = time.process_time()
    terms, fitted = site.design(before.times)
    _, scored = site.design(after.times, terms)
    period = Window(int(before.times[0]), int(before.times[-1]) + HOUR)
    model = fit_expected(positive(before.take(names)), fitted, terms, period, use=use)
    predicted = model.predict(scored)
    seconds = time.process_time() - start
    actual = positive(after.take(names))
    known = np.isfinite(actual)
    stand_in = known & ~np.isfinite(predicted)
    predicted = np.where(np.isfinite(predicted), predicted, hour_of_week_mean(before.take(names), fitted, scored))
    keep = known.any(axis=1)
    hourly = metrics.cv_rmse(actual, predicted)[keep]
    bias = np.abs(metrics.nmbe(actual, predicted))[keep]
    daily = metrics.cv_rmse(*metrics.day_sums(actual, predicted, scored.calendar.day))[keep]
    low, high = model.interval(model.predict(scored), scored)
    total = np.where(known, predicted, 0).sum(axis=1, dtype=np.float64)
    spread, drift = model.day_spread.astype(np.float64), model.drift.astype(np.float64)
    half = half_of_sum(total, float(known.sum(axis=1).mean() / 24), spread, drift)
    return {
        "meters": float(keep.sum()),
        "hourly.cv_rmse.median": float(np.nanmedian(hourly)),
        "hourly.cv_rmse.mean": float(np.nanmean(hourly)),
        "daily.cv_rmse.median": float(np.nanmedian(daily)),
        "daily.cv_rmse.mean": float(np.nanmean(daily)),
        "nmbe.median_abs": float(np.nanmedian(bias)),
        "stand_in_share": float(stand_in.sum() / max(known.sum(), 1)),
        "insufficient_meters": float((~model.sufficiency.is_sufficient).sum()),
        "interval80.hourly": metrics.interval_coverage(actual, low, high),
        "interval80.year": metrics.interval_coverage(
            np.nansum(actual, axis=1, dtype=np.float64), total - half, total + half
        ),
        "cpu_ms_per_meter": seconds / max(len(names), 1) * 1e3,
    }


def hour_of_week_mean(values: Float32Array, fitted: Design, scored: Design) -> Float32Array:
    """The stand-in where a model has no value."""
    out = np.full((len(values), len(scored.calendar)), np.nan, np.float32)
    for i, row in enumerate(positive(values)):
        known = np.isfinite(row)
        slot = fitted.calendar.slot[known]
        count = np.bincount(slot, minlength=fitted.calendar.n_slots)
        mean = np.bincount(slot, row[known], fitted.calendar.n_slots) / np.maximum(count, 1)
        out[i] = np.where(count > 0, mean, row[known].mean() if known.any() else np.nan)[scored.calendar.slot]
    return out


@dataclass(frozen=True)
class Labelled:
    """A year with faults put in, and the year before it."""

    year: int
    names: list[str]
    before: Year
    after: Year
    truth: BoolArray
    events: list[metrics.Span]
    kinds: list[str]


def read_labelled(folder: Path, year: int) -> Labelled | None:
    previous = folder / "cambridge" / f"electricity_{year - 1}.csv.gz"
    if not previous.exists():
        return None
    after = read_wide(folder / "anomaly" / f"electricity_{year}_injected.csv.gz")
    before = read_wide(previous)
    names = [name for name in after.names if name in before.names]
    truth = np.nan_to_num(read_wide(folder / "anomaly" / f"labels_{year}.csv.gz").take(names)) > 0
    first = datetime(year, 1, 1, tzinfo=UTC)
    events, kinds = [], []
    with (folder / "anomaly" / f"events_{year}.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["building"] in names:
                hours = [
                    int((datetime.fromisoformat(row[k]).replace(tzinfo=UTC) - first).total_seconds()) // HOUR
                    for k in ("first_hour", "last_hour")
                ]
                events.append(metrics.Span(names.index(row["building"]), hours[0], hours[1]))
                kinds.append(row["kind"])
    return Labelled(year, names, before, after, truth, events, kinds)


@dataclass(frozen=True)
class Judged:
    """Scores and flags of one year and way of looking."""

    mode: str
    data: Labelled
    score: Float32Array
    flagged: BoolArray
    cpu_s: float
    own_flags: BoolArray | None = None
    """Flags of the detector's own thresholds, where `flagged` follows the rule of 12 alarms."""


def joined(first: CalendarRows, second: CalendarRows) -> CalendarRows:
    arrays = {
        f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
        for f in fields(CalendarRows)
        if f.name != "step"
    }
    return CalendarRows(first.step, **arrays)


def as_seen(data: Labelled, site: Site) -> Judged:
    start = time.process_time()
    terms, before = site.design(data.before.times)
    _, after = site.design(data.after.times, terms)
    history = data.before.take(data.names)
    usual = anomalies.usual_use(history, before, after)
    grid = anomalies.HourGrid.of(int(data.before.times[0]), joined(before.calendar, after.calendar))
    values = np.concatenate([history, data.after.take(data.names)], axis=1)
    _, judged = anomalies.judge_as_seen(values, usual, grid, history.shape[1])
    return Judged("as_seen", data, judged.score, judged.flagged, time.process_time() - start)


def retrospective(data: Labelled, site: Site) -> Judged:
    start = time.process_time()
    _, design = site.design(data.after.times)
    values = data.after.take(data.names)
    usual = anomalies.usual_use(values, design, None)
    grid = anomalies.HourGrid.of(int(data.after.times[0]), design.calendar)
    judged = anomalies.judge_retrospective(values, usual, grid)
    spent = time.process_time() - start
    threshold = metrics.lowest_threshold(judged.score, ALARMS_PER_YEAR)
    return Judged("retrospective", data, judged.score, judged.score >= threshold, spent, judged.flagged)


def anomaly_metrics(parts: list[Judged]) -> dict[str, float]:
    """Pooled over years; every hour counts, an hour without a score has 0."""
    score = np.concatenate([np.nan_to_num(p.score).ravel() for p in parts])
    truth = np.concatenate([p.data.truth.ravel() for p in parts])
    auc, precision = metrics.ranking(score, truth)
    own = [metrics.ranking(s, t)[0] for p in parts for s, t in zip(p.score, p.data.truth, strict=True) if t.any()]
    alarms = [metrics.merge_alarms(p.flagged) for p in parts]
    scores = [metrics.event_score(a, p.data.events) for a, p in zip(alarms, parts, strict=True)]
    n_alarms, n_events = sum(s.n_alarms for s in scores), sum(s.n_events for s in scores)
    true = sum(s.precision * s.n_alarms for s in scores if s.n_alarms)
    generator = np.random.default_rng(0)
    chance = [
        metrics.chance_recall(a, p.data.events, len(p.data.truth), p.data.truth.shape[1], generator)
        * len(p.data.events)
        for a, p in zip(alarms, parts, strict=True)
        if p.data.events
    ]
    result = {
        "auc": auc,
        "ap": precision,
        "auc_per_meter.mean": float(np.mean(own)) if own else float("nan"),
        "evp": true / n_alarms if n_alarms else float("nan"),
        "evr": sum(sum(s.hit) for s in scores) / n_events if n_events else float("nan"),
        "evr_by_chance": sum(chance) / n_events if n_events else float("nan"),
        "alarms_per_meter_year": n_alarms / sum(len(p.data.names) for p in parts),
        "flagged_share": float(np.mean(np.concatenate([p.flagged.ravel() for p in parts]))),
        "no_score_share": float(np.mean(~np.isfinite(np.concatenate([p.score.ravel() for p in parts])))),
        "events": float(n_events),
        "cpu_ms_per_meter": sum(p.cpu_s for p in parts) / sum(len(p.data.names) for p in parts) * 1e3,
    }
    kinds = [kind for p in parts for kind in p.data.kinds]
    hits = [hit for s in scores for hit in s.hit]
    for kind in sorted(set(kinds)):
        result[f"evr.{kind}"] = float(np.mean([h for k, h in zip(kinds, hits, strict=True) if k == kind]))
    return result


def score_table(parts: list[Judged]) -> pd.DataFrame:
    frames = []
    for p in parts:
        n, hours = p.score.shape
        alarm = np.zeros((n, hours), np.int32)
        for number, span in enumerate(metrics.merge_alarms(p.flagged), start=1):
            alarm[span.row, span.first : span.last + 1] = number
        frames.append(
            pd.DataFrame(
                {
                    "year": np.int32(p.data.year),
                    "building": np.repeat(p.data.names, hours),
                    "hour": np.tile(np.arange(hours, dtype=np.int32), n),
                    "mode": p.mode,
                    "score": p.score.ravel(),
                    "flagged": p.flagged.ravel(),
                    "alarm": np.where(p.flagged, alarm, 0).ravel(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--fit", type=int, default=2016)
    parser.add_argument("--score", type=int, default=2017)
    parser.add_argument("--zone", default="Europe/London")
    parser.add_argument("--no-closure", action="store_true", help="the buildings do not close 24 December to 1 January")
    options = parser.parse_args()
    folder = options.data / "cambridge"
    site = Site.read(folder, options.zone, not options.no_closure)
    result: dict[str, float] = {}
    for what, prefix in (("electricity", "expected"), ("gas", "expected.gas")):
        files = [folder / f"{what}_{year}.csv.gz" for year in (options.fit, options.score)]
        if all(path.exists() for path in files):
            use = WEATHER_USE.get(what, WeatherUse.ALWAYS)
            found = expected_use(read_wide(files[0]), read_wide(files[1]), site, use)
            result |= {f"{prefix}.{key}": value for key, value in found.items()}
    years = sorted(
        int(m.group(1))
        for path in (options.data / "anomaly").glob("electricity_*_injected.csv.gz")
        if (m := re.search(r"_(\d{4})_injected", path.name))
    )
    data = [labelled for year in years if (labelled := read_labelled(options.data, year)) is not None]
    if data:
        seen, whole = [as_seen(d, site) for d in data], [retrospective(d, site) for d in data]
        result |= {f"anomaly.{k}": v for k, v in anomaly_metrics(whole).items()}
        own = [replace(p, flagged=p.own_flags) for p in whole if p.own_flags is not None]
        result |= {f"anomaly.own_thresholds.{k}": v for k, v in anomaly_metrics(own).items() if k in OWN_KEYS}
        result |= {f"as_seen.anomaly.{k}": v for k, v in anomaly_metrics(seen).items()}
        if options.scores:
            score_table(whole + seen).to_parquet(options.scores, index=False)
    result |= {f"registers.{k}": v for k, v in vee.recorded_figures(options.data).items()}
    result |= {f"quotas.{k}": v for k, v in quotas.worst_figures(options.data / "benchmarking").items()}
    for key, value in result.items():
        print(f"{key:45s} {value:.4f}")
    if options.json:
        clean = {k: (v if np.isfinite(v) else None) for k, v in result.items()}
        options.json.write_text(json.dumps(clean, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
