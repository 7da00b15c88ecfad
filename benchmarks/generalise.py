"""How well the detector does on kinds, buildings and years that it was not made for.

    python -m benchmarks.generalise --data FOLDER [--years 2015 2016 ...] [--half 0|1] [--kinds] [--json OUT.json]

FOLDER is laid out as for `benchmarks.quality`. Into each year of every building that is recorded well in it and in the
year before, faults are put (`benchmarks.faults`) in three ways: `labelled` kinds, `other` kinds, and `spoilt`: kinds
of both, the year before full of them too. Printed for each, as seen and retrospectively: AUC, average precision, event
precision and recall, alarms per meter-year, means over years; with `--kinds` also recall by kind and by size.
`--half` takes every second building only.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analytics import metrics
from benchmarks.faults import LABELLED, OTHERS, Fault, Rule, put_in
from benchmarks.quality import Judged, Labelled, Site, Year, anomaly_metrics, as_seen, read_wide, retrospective
from energy.series import Float32Array

YEARS = (2015, 2016, 2017, 2018, 2019, 2022)
MOST_ZEROS = 0.02
"""A building-year with more zeros (missing readings here) is not used."""
SHOWN = ("auc", "ap", "evp", "evr", "alarms_per_meter_year", "evr_by_chance")
WAYS: Mapping[str, tuple[Mapping[str, Rule], bool]] = {
    "labelled": (LABELLED, False),
    "other": (OTHERS, False),
    "spoilt": ({**LABELLED, **OTHERS}, True),
}


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


def with_faults(folder: Path, site: Site, year: int, way: str, half: int | None) -> tuple[Labelled, list[Fault]]:
    """One year and way; the faults depend on year and way alone."""
    rules, spoilt = WAYS[way]
    before, after = (read_wide(folder / "cambridge" / f"electricity_{y}.csv.gz") for y in (year - 1, year))
    names = well_recorded(before, after, half)
    generator = np.random.default_rng([year, list(WAYS).index(way)])
    values, faults = put_in(np.nan_to_num(after.take(names)), site.rows(after.times), rules, generator)
    history: Float32Array = np.nan_to_num(before.take(names))
    if spoilt:
        history, _ = put_in(history, site.rows(before.times), rules, generator)
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


def recall_of(judged: Sequence[Judged], faults: Sequence[Sequence[Fault]]) -> dict[str, float]:
    """Share of faults touched, by kind, and by size of change over all kinds."""
    found: dict[str, list[bool]] = defaultdict(list)
    for part, put in zip(judged, faults, strict=True):
        hits = metrics.event_score(metrics.merge_alarms(part.flagged), part.data.events).hit
        for hit, fault in zip(hits, put, strict=True):
            found[fault.kind].append(hit)
            found[f"size {'< .1' if fault.size < 0.1 else '< .3' if fault.size < 0.3 else '>= .3'}"].append(hit)
    return {key: float(np.mean(hits)) for key, hits in sorted(found.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--years", type=int, nargs="+", default=YEARS)
    parser.add_argument("--half", type=int, choices=(0, 1))
    parser.add_argument("--zone", default="Europe/London")
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    site = Site.read(options.data / "cambridge", options.zone, True)
    result: dict[str, float] = {}
    for way in WAYS:
        made = [with_faults(options.data, site, year, way, options.half) for year in options.years]
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
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
