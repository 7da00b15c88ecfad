"""How well the detector does on kinds, buildings and years that it was not made for.

    python -m benchmarks.generalise --data FOLDER [--years 2015 2016 ...] [--half 0|1] [--kinds] [--json OUT.json]
    python -m benchmarks.generalise --data FOLDER --severity 1 1.5 2 [--draws 2] [--write FOLDER] [--use gas]

FOLDER is laid out as for `benchmarks.quality`. Into each year of every building that is recorded well in it and in the
year before, faults are put (`benchmarks.faults`) in three ways: `labelled` kinds, `other` kinds, and `spoilt`: kinds
of both, the year before full of them too. Printed for each, as seen and retrospectively: AUC, average precision, event
precision and recall, alarms per meter-year, means over years; with `--kinds` also recall by kind and by size.
`--half` takes every second building only; `--use gas` takes gas meters, on which nothing was chosen.

How well any detector does depends on how plain the faults are. With `--severity` faults last so many times as long and
change at least so many times 6 % of the median load (`other` and `spoilt` as above; `mixed`: kinds of both), as seen,
all years and draws together; `--write` keeps them as folders that `benchmarks.quality` and other detectors read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analytics import metrics
from benchmarks.faults import LABELLED, OTHERS, Fault, Rule, Severity, put_in
from benchmarks.folder import Labelled, Site
from benchmarks.quality import Judged, anomaly_metrics, as_seen, retrospective
from benchmarks.wide import Year, read_wide, write_wide
from energy.errors import RecordingError
from energy.series import Float32Array

YEARS = (2015, 2016, 2017, 2018, 2019, 2022)
MOST_ZEROS = 0.02
"""A building-year with more zeros (missing readings here) is not used."""
SHOWN = ("auc", "ap", "evp", "evr", "alarms_per_meter_year", "evr_by_chance")
EVERY = {**LABELLED, **OTHERS}
WAYS: Mapping[str, tuple[Mapping[str, Rule], bool]] = {
    "labelled": (LABELLED, False),
    "other": (OTHERS, False),
    "spoilt": (EVERY, True),
    "mixed": (EVERY, False),
}
"""By name: the kinds of fault, and whether the year before is full of them too."""
SHOWN_WAYS = ("labelled", "other", "spoilt")
SEVERE_WAYS = ("other", "mixed", "spoilt")


def well_recorded(before: Year, after: Year, half: int | None) -> list[str]:
    """Buildings that both years hold with few zeros."""
    common = [name for name in after.names if name in before.names]
    if half is not None:
        common = [name for name in common if int(name[1:]) % 2 == half]
    return [
        name
        for name in common
        if all((np.nan_to_num(y.take([name])) <= 0).mean() < MOST_ZEROS for y in (before, after))
    ]


def with_faults(
    folder: Path,
    site: Site,
    year: int,
    way: str,
    half: int | None,
    *,
    use: str = "electricity",
    times: float | None = None,
    draw: int = 0,
) -> tuple[Labelled, list[Fault]]:
    """One year and way; the faults depend on year, way, severity (`times`) and draw alone."""
    rules, spoilt = WAYS[way]
    before, after = (read_wide(folder / "cambridge" / f"{use}_{y}.csv.gz") for y in (year - 1, year))
    names = well_recorded(before, after, half)
    seed = [year, list(WAYS).index(way)]
    generator = np.random.default_rng(seed if times is None else [*seed, round(100 * times), draw])
    severity = None if times is None else Severity.of(times)
    values, faults = put_in(
        np.nan_to_num(after.take(names)), site.rows(after.times), rules, generator, severity=severity
    )
    history: Float32Array = np.nan_to_num(before.take(names))
    if spoilt:
        history, _ = put_in(history, site.rows(before.times), rules, generator, severity=severity)
    truth = np.zeros(values.shape, np.bool_)
    for fault in faults:
        truth[fault.row, fault.first : fault.last + 1] = True
    events = [metrics.Span(f.row, f.first, f.last) for f in faults]
    data = Labelled(
        year,
        names,
        Year(tuple(names), before.times, history),
        Year(tuple(names), after.times, values),
        truth,
        events,
        [f.kind for f in faults],
    )
    return data, faults


def write_folder(folder: Path, data: Labelled, weather: Sequence[Path]) -> None:
    """One labelled year and the year before it, laid out as `benchmarks.quality` reads them."""
    (folder / "cambridge").mkdir(parents=True, exist_ok=True)
    (folder / "anomaly").mkdir(exist_ok=True)
    for path in weather:
        shutil.copy(path, folder / "cambridge")
    labels = Year(data.after.names, data.after.times, data.truth.astype(np.float32))
    write_wide(folder / "cambridge" / f"electricity_{data.year - 1}.csv.gz", data.before)
    write_wide(folder / "anomaly" / f"electricity_{data.year}_injected.csv.gz", data.after)
    write_wide(folder / "anomaly" / f"labels_{data.year}.csv.gz", labels)
    hour = [f"{time:%Y-%m-%dT%H:%M}" for time in pd.to_datetime(data.after.times, unit="s")]
    events = [
        (data.names[e.row], kind, hour[e.first], hour[e.last]) for e, kind in zip(data.events, data.kinds, strict=True)
    ]
    table = pd.DataFrame(events, columns=["building", "kind", "first_hour", "last_hour"])
    table.to_csv(folder / "anomaly" / f"events_{data.year}.csv", index=False)


def recall_of(judged: Sequence[Judged], faults: Sequence[Sequence[Fault]]) -> dict[str, float]:
    """Share of faults touched, by kind, and by size of change over all kinds."""
    found: dict[str, list[bool]] = defaultdict(list)
    for part, put in zip(judged, faults, strict=True):
        hits = metrics.event_score(metrics.merge_alarms(part.flagged), part.data.events).hit
        for hit, fault in zip(hits, put, strict=True):
            found[fault.kind].append(hit)
            found[f"size {'< .1' if fault.size < 0.1 else '< .3' if fault.size < 0.3 else '>= .3'}"].append(hit)
    return {key: float(np.mean(hits)) for key, hits in sorted(found.items())}


def by_way(options: argparse.Namespace, site: Site) -> dict[str, float]:
    """Every way, as seen and retrospectively: means over the years."""
    result: dict[str, float] = {}
    for way in SHOWN_WAYS:
        made = [with_faults(options.data, site, year, way, options.half, use=options.use) for year in options.years]
        for judge in (as_seen, retrospective):
            parts = [judge(data, site) for data, _ in made]
            yearly = [anomaly_metrics([part]) for part in parts]
            means = {key: float(np.mean([one[key] for one in yearly])) for key in SHOWN}
            result |= {f"{way}.{parts[0].mode}.{key}": value for key, value in means.items()}
            print(f"{way:9s} {parts[0].mode:14s}", "  ".join(f"{k} {v:.3f}" for k, v in means.items()), flush=True)
            if options.kinds:
                by_kind = recall_of(parts, [faults for _, faults in made])
                result |= {f"{way}.{parts[0].mode}.evr.{key}": value for key, value in by_kind.items()}
                print("   ", "  ".join(f"{k} {v:.2f}" for k, v in by_kind.items()), flush=True)
    return result


def by_severity(options: argparse.Namespace, site: Site) -> dict[str, float]:
    """Every severity, as seen: all years and draws together."""
    result: dict[str, float] = {}
    weather = sorted((options.data / "cambridge").glob("weather_*.csv.gz"))
    for way in SEVERE_WAYS:
        for times in options.severity:
            parts = []
            for year in options.years:
                for draw in range(options.draws):
                    data, _ = with_faults(
                        options.data, site, year, way, options.half, use=options.use, times=times, draw=draw
                    )
                    parts.append(as_seen(data, site))
                    if options.write:
                        write_folder(options.write / f"{way}_{times:g}_{year}_{draw}", data, weather)
            found = {key: value for key, value in anomaly_metrics(parts).items() if key in SHOWN}
            result |= {f"{way}.{times:g}.{key}": value for key, value in found.items()}
            print(f"{way:6s} x {times:<4g}", "  ".join(f"{k} {v:.3f}" for k, v in found.items()), flush=True)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--years", type=int, nargs="+", default=YEARS)
    parser.add_argument("--half", type=int, choices=(0, 1))
    parser.add_argument("--use", choices=("electricity", "gas"), default="electricity")
    parser.add_argument("--zone", default="Europe/London")
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--severity", type=float, nargs="+")
    parser.add_argument("--draws", type=int, default=1, help="sets of faults by year and severity")
    parser.add_argument("--write", type=Path, help="folder for what was drawn with --severity")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    try:
        site = Site.read(options.data / "cambridge", options.zone, True)
        result = by_severity(options, site) if options.severity else by_way(options, site)
    except RecordingError as exc:
        print(f"generalise: {exc}; choose years by --years", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
