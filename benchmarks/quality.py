"""Quality of the core on a folder of hourly data: expected use and anomalies, by the metrics of `analytics.metrics`.

    python benchmarks/quality.py --data FOLDER --json OUT.json [--scores OUT.parquet] [--fit 2016] [--score 2017]

FOLDER holds recorded buildings (docs/judging.md tells its form): expected use is fitted on one year and scored on
another (keys `expected.*`, gas `expected.gas.*`); anomalies are judged in every labelled year whose year before is
there, retrospectively (keys `anomaly.*`, threshold: the lowest with 12 alarms per meter-year) and as seen (keys
`as_seen.anomaly.*`, thresholds of the year before). Where they are there, `anomaly/register_*` give the figures of
registers (`registers.*`, see `benchmarks.vee`) and `benchmarking/` the worst of all groups of peers (`quotas.*`, see
`benchmarks.quotas`). What cannot be judged is said in a line each. `--scores` keeps every hour: year, building, hour
(of the UTC year, from 0), mode, score, flagged, alarm (number of the alarm the hour belongs to, 0 for none).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it finds its neighbours too

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from analytics import anomalies, metrics  # noqa: E402
from analytics.calendars import CalendarRows  # noqa: E402
from analytics.design import Design  # noqa: E402
from analytics.expected import WEATHER_USE, ExpectedModel, WeatherUse, fit_expected  # noqa: E402
from analytics.spread import half_of_sum  # noqa: E402
from benchmarks import quotas, vee  # noqa: E402
from benchmarks.folder import Labelled, Site, judged_years, read_labelled, recorded_years  # noqa: E402
from benchmarks.recorded import found  # noqa: E402
from benchmarks.wide import Year, read_wide  # noqa: E402
from energy.errors import RecordingError  # noqa: E402
from energy.intervals import HOUR, LocalCalendar, Window  # noqa: E402
from energy.series import BoolArray, Float32Array  # noqa: E402

ALARMS_PER_YEAR = 12.0
OWN_KEYS = ("evp", "evr", "alarms_per_meter_year")


def positive(values: Float32Array) -> Float32Array:
    """Missing readings were written as 0 by the source."""
    return np.where(values > 0, values, np.float32(np.nan))


def expected_use(before: Year, after: Year, site: Site, use: WeatherUse) -> dict[str, float]:
    """Fit on one year, score the next; every building with use in both years.

    Raises
    ------
    RecordingError
        No building has.
    """
    history, actual = positive(before.take(after.names)), positive(after.use)
    wanted = np.isfinite(actual).any(axis=1)
    judged = wanted & np.isfinite(history).any(axis=1)
    if not judged.any():
        raise RecordingError("expected use: no building has use in both years; ask for others by --fit and --score")
    history, actual = history[judged], actual[judged]
    start = time.process_time()
    there = np.flatnonzero(np.isfinite(history).any(axis=0))
    period = slice(int(there[0]), int(there[-1]) + 1)
    times, history = before.times[period], np.ascontiguousarray(history[:, period])
    terms, fitted, scored = site.designs(times, after.times)
    model = fit_expected(history, fitted, terms, Window(int(times[0]), int(times[-1]) + HOUR), use=use)
    modelled = model.predict(scored)
    seconds = time.process_time() - start
    known = np.isfinite(actual)
    stand_in = known & ~np.isfinite(modelled)
    predicted = np.where(np.isfinite(modelled), modelled, hour_of_week_mean(history, fitted, scored))
    return {
        "meters": float(judged.sum()),
        "left_out_meters": float((wanted & ~judged).sum()),
        **errors(actual, predicted, scored),
        "stand_in_share": float(stand_in.sum() / known.sum()),
        "insufficient_meters": float((~model.sufficiency.is_sufficient).sum()),
        "interval80.hourly": metrics.interval_coverage(actual, *model.interval(modelled, scored)),
        "interval80.year": years_inside(model, actual, predicted),
        "cpu_ms_per_meter": seconds / int(judged.sum()) * 1e3,
    }


def errors(actual: Float32Array, predicted: Float32Array, scored: Design) -> dict[str, float]:
    """Over meters; of days NaN where no meter has a whole one."""
    hourly, bias = metrics.cv_rmse(actual, predicted), np.abs(metrics.nmbe(actual, predicted))
    daily = metrics.cv_rmse(*metrics.day_sums(actual, predicted, scored.calendar.day))
    daily = daily[np.isfinite(daily)]
    return {
        "hourly.cv_rmse.median": float(np.median(hourly)),
        "hourly.cv_rmse.mean": float(np.mean(hourly)),
        "daily.cv_rmse.median": float(np.median(daily)) if len(daily) else float("nan"),
        "daily.cv_rmse.mean": float(np.mean(daily)) if len(daily) else float("nan"),
        "nmbe.median_abs": float(np.median(bias)),
    }


def years_inside(model: ExpectedModel, actual: Float32Array, predicted: Float32Array) -> float:
    """Share of meters whose sum of known hours lies in its 80 % interval."""
    known = np.isfinite(actual)
    used, total = (np.where(known, values, 0).sum(axis=1, dtype=np.float64) for values in (actual, predicted))
    spread, drift = model.day_spread.astype(np.float64), model.drift.astype(np.float64)
    half = half_of_sum(total, known.sum(axis=1) / 24, spread, drift)
    return metrics.interval_coverage(used, total - half, total + half)


def hour_of_week_mean(values: Float32Array, fitted: Design, scored: Design) -> Float32Array:
    """The stand-in where a model has no value."""
    out = np.full((len(values), len(scored.calendar)), np.nan, np.float32)
    for i, row in enumerate(values):
        known = np.isfinite(row)
        slot = fitted.calendar.slot[known]
        count = np.bincount(slot, minlength=fitted.calendar.n_slots)
        mean = np.bincount(slot, row[known], fitted.calendar.n_slots) / np.maximum(count, 1)
        out[i] = np.where(count > 0, mean, row[known].mean() if known.any() else np.nan)[scored.calendar.slot]
    return out


@dataclass(frozen=True)
class Judged:
    """Scores and flags of one year and way of looking."""

    mode: str
    data: Labelled
    score: Float32Array
    flagged: BoolArray
    no_basis: BoolArray
    """Known hours of which nothing is usual: jumps and standstills alone can give them a score above 0."""
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
    _, before, after = site.designs(data.before.times, data.after.times)
    history, now = data.before.take(data.names), data.after.take(data.names)
    usual = anomalies.usual_use(history, before, after)
    grid = anomalies.HourGrid.of(int(data.before.times[0]), joined(before.calendar, after.calendar))
    n_history = history.shape[1]
    _, judged = anomalies.judge_as_seen(np.concatenate([history, now], axis=1), usual, grid, n_history)
    spent = time.process_time() - start
    return Judged("as_seen", data, judged.score, judged.flagged, without_basis(now, usual[:, n_history:]), spent)


def without_basis(values: Float32Array, usual: Float32Array) -> BoolArray:
    return np.isfinite(values) & ~np.isfinite(usual)


def retrospective(data: Labelled, site: Site) -> Judged:
    start = time.process_time()
    design = site.design(data.after.times)
    values = data.after.take(data.names)
    usual = anomalies.usual_use(values, design, None)
    grid = anomalies.HourGrid.of(int(data.after.times[0]), design.calendar)
    judged = anomalies.judge_retrospective(values, usual, grid)
    spent = time.process_time() - start
    threshold = metrics.lowest_threshold(judged.score, ALARMS_PER_YEAR)
    flagged, no_basis = judged.score >= threshold, without_basis(values, usual)
    return Judged("retrospective", data, judged.score, flagged, no_basis, spent, judged.flagged)


def anomaly_metrics(parts: list[Judged]) -> dict[str, float]:
    """Pooled over years; every hour counts, an hour without a score has 0."""
    score = np.concatenate([np.nan_to_num(p.score).ravel() for p in parts])
    truth = np.concatenate([p.data.truth.ravel() for p in parts])
    auc, precision = metrics.ranking(score, truth)
    own = [
        metrics.ranking(s, t)[0]
        for p in parts
        for s, t in zip(p.score, p.data.truth, strict=True)
        if 0 < t.sum() < len(t)
    ]
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
        "flagged_share": share([p.flagged for p in parts]),
        "missing_share": share([~np.isfinite(p.data.after.take(p.data.names)) for p in parts]),
        "no_score_share": share([p.no_basis for p in parts]),
        "events": float(n_events),
        "cpu_ms_per_meter": sum(p.cpu_s for p in parts) / sum(len(p.data.names) for p in parts) * 1e3,
    }
    kinds = [kind for p in parts for kind in p.data.kinds]
    hits = [hit for s in scores for hit in s.hit]
    for kind in sorted(set(kinds)):
        result[f"evr.{kind}"] = float(np.mean([h for k, h in zip(kinds, hits, strict=True) if k == kind]))
    return result


def share(parts: list[BoolArray]) -> float:
    """Share of all hours."""
    return float(sum(part.sum() for part in parts) / sum(part.size for part in parts))


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


def zone(name: str) -> str:
    """A time zone's name, for argparse."""
    try:
        return LocalCalendar(name).zone
    except (KeyError, ValueError, OSError) as exc:
        raise argparse.ArgumentTypeError(f"expected a time zone such as Europe/London, came {name!r}") from exc


def expected_figures(folder: Path, fit: int, score: int, site: Site) -> dict[str, float]:
    """Expected electricity and, where both years have it, gas."""
    result: dict[str, float] = {}
    for what, prefix in (("electricity", "expected"), ("gas", "expected.gas")):
        files = [folder / f"{what}_{year}.csv.gz" for year in (fit, score)]
        absent = [path for path in files if not found(path)]
        if absent and what == "gas":
            continue
        if absent:
            there = ", ".join(str(year) for year in recorded_years(folder)) or "none"
            raise RecordingError(f"{absent[0]}: expected this file; years there: {there}; choose by --fit and --score")
        use = WEATHER_USE.get(what, WeatherUse.ALWAYS)
        figures = expected_use(read_wide(files[0]), read_wide(files[1]), site, use)
        result |= {f"{prefix}.{key}": value for key, value in figures.items()}
    return result


def labelled(folder: Path) -> list[Labelled]:
    """Every year that can be judged; of each other one a line says why not."""
    data = []
    for year in judged_years(folder):
        try:
            data.append(read_labelled(folder, year))
        except RecordingError as exc:
            say(f"anomalies of {year} are left out: {exc}")
    return data


def anomaly_figures(data: list[Labelled], site: Site, scores: Path | None) -> dict[str, float]:
    """Both ways of looking at all labelled years together."""
    if not data:
        return {}
    seen, whole = [as_seen(d, site) for d in data], [retrospective(d, site) for d in data]
    own = [replace(p, flagged=p.own_flags) for p in whole if p.own_flags is not None]
    if scores:
        scores.parent.mkdir(parents=True, exist_ok=True)
        score_table(whole + seen).to_parquet(scores, index=False)
    return {
        **{f"anomaly.{k}": v for k, v in anomaly_metrics(whole).items()},
        **{f"anomaly.own_thresholds.{k}": v for k, v in anomaly_metrics(own).items() if k in OWN_KEYS},
        **{f"as_seen.anomaly.{k}": v for k, v in anomaly_metrics(seen).items()},
    }


def told(part: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Figures of a part; none, and a line that says why, where the folder has not what it needs."""
    try:
        return part()
    except RecordingError as exc:
        say(str(exc))
        return {}


def say(text: str) -> None:
    print(f"quality: {text}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--fit", type=int, default=2016)
    parser.add_argument("--score", type=int, default=2017)
    parser.add_argument("--zone", type=zone, default="Europe/London")
    parser.add_argument("--no-closure", action="store_true", help="the buildings do not close 24 December to 1 January")
    options = parser.parse_args(arguments)
    folder: Path = options.data
    try:
        site = Site.read(folder / "cambridge", options.zone, not options.no_closure)
    except RecordingError as exc:
        say(str(exc))
        return 1
    result = {
        **told(lambda: expected_figures(folder / "cambridge", options.fit, options.score, site)),
        **told(lambda: anomaly_figures(labelled(folder), site, options.scores)),
        **told(lambda: {f"registers.{k}": v for k, v in vee.recorded_figures(folder).items()}),
        **told(lambda: {f"quotas.{k}": v for k, v in quotas.worst_figures(folder / "benchmarking").items()}),
    }
    if not result:
        say(f"{folder}: expected cambridge/electricity_YYYY.csv.gz of two years, came nothing to judge")
        return 1
    for key, value in result.items():
        print(f"{key:45s} {value:.4f}")
    if options.json:
        clean = {k: (v if np.isfinite(v) else None) for k, v in result.items()}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(clean, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
