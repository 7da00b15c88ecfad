"""How fair, stable and honest the peer tiers are, on cross-sections of real buildings.

    python -m benchmarks.quotas [--data FOLDER] [--splits 200] [--rule far_out] [--json OUT]

FOLDER holds `benchmarking/*.csv.gz` (CBECS 2012 offices and schools, Seattle 2016). For every group of buildings, over
random halves (model and tiers fitted on one half):

* `spearman`: mean rank correlation of the *other* half's score with each driver (0 wanted), and the largest of them;
* `spearman_intensity`: of the score with the intensity (>= .8 wanted: a constant score is fair but says nothing);
* `shift`: change of a building's score when the other half of its peers is dropped, mean and 95 % quantile [points];
* `coverage`: share of the other half at or below each limit, minus the share it should have;
* `interval_coverage`: share of splits in which the 80 % interval of a half's limit and the spread of the other half's
  agree: the limits differ by no more than chance lets two samples of this size (the interval widened by root 2).

Drivers are hours of use, workers per area, and degree days, where the file has them; nothing is chosen by its result.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from analytics.levels import OutlierRule
from analytics.peers import MIN_GROUP, N_BOOTSTRAP, PEER_SHARES, PeerTiers, peer_tiers
from benchmarks.recorded import numbers_of, read_table
from energy.errors import RecordingError
from energy.series import FloatArray, IntArray

DRIVERS = {"hours": "wkhrs", "density": "nwker", "hdd": "hdd65", "cdd": "cdd65"}
LARGE = 100
"""Groups from this size on are held to the coverage of tiers."""
INTERVAL_SPLITS = 100
"""Intervals are drawn anew for each split, which takes most of the time."""
SHARES = (PEER_SHARES.constraint, PEER_SHARES.baseline, PEER_SHARES.guide)


@dataclass(frozen=True)
class Group:
    """Buildings of one kind."""

    name: str
    intensity: FloatArray
    drivers: FloatArray
    names: tuple[str, ...]


def cbecs(path: Path) -> Group:
    """One file, one group; drivers that it has not, or that are alike for all, are none."""
    table = read_table(path, "source_eui")
    drivers = {name: numbers_of(path, table[source]) for name, source in DRIVERS.items() if source in table}
    if "density" in drivers:
        drivers["density"] = drivers["density"] / numbers_of(path, read_table(path, "sqft")["sqft"])
    drivers = {name: values for name, values in drivers.items() if np.nanstd(values) > 0}
    columns = np.column_stack(list(drivers.values())) if drivers else np.zeros((len(table), 0))
    return Group(path.name.split(".")[0], numbers_of(path, table["source_eui"]), columns, tuple(drivers))


def seattle(path: Path) -> Iterator[Group]:
    """By use; no drivers are known of them."""
    table = read_table(path, "use_type", "source_eui_kbtu_ft2")
    intensity = numbers_of(path, table["source_eui_kbtu_ft2"])
    for use in sorted(table["use_type"].dropna().unique()):
        own = (table["use_type"] == use).to_numpy()
        yield Group(f"seattle {use}", intensity[own], np.zeros((int(own.sum()), 0)), ())


def ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def spearman(a: FloatArray, b: FloatArray) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(ranks(a[known]), ranks(b[known]))[0, 1])


def tiers(
    group: Group, members: IntArray, generator: np.random.Generator, rule: OutlierRule, n_bootstrap: int = 1
) -> PeerTiers:
    found = peer_tiers(
        group.intensity[members],
        group.drivers[members],
        group.names,
        generator,
        rule=rule,
        n_bootstrap=n_bootstrap,
    )
    assert isinstance(found, PeerTiers), f"{group.name}: {found}"
    return found


@dataclass(frozen=True)
class Figures:
    """What is printed of a group; `spearman` keeps the sign of the mean, `spearman_one_split` is the mean size."""

    n: int
    spearman: dict[str, float]
    spearman_largest: float
    spearman_one_split: dict[str, float]
    spearman_intensity: float
    shift_mean: float
    shift_p95: float
    coverage: dict[str, float]
    coverage_largest: float
    interval_coverage: dict[str, float]


def interval_coverage(group: Group, members: IntArray, n_splits: int, rule: OutlierRule, seed: int) -> FloatArray:
    """Share of random splits in which the interval of one half's limit allows for the other half's, shape (3,).

    The other half's limit errs as much as this one's: their difference is root 2 times as wide as an interval, which
    is about a limit that is known.
    """
    generator = np.random.default_rng(seed)
    allowed = []
    for _ in range(n_splits):
        mixed = generator.permutation(members)
        half = tiers(group, mixed[: len(mixed) // 2], generator, rule, N_BOOTSTRAP)
        other = tiers(group, mixed[len(mixed) // 2 :], generator, rule)
        level, low, high, found = (np.log(list(one)) for one in (half.levels, half.low, half.high, other.levels))
        allowed.append((found - level <= np.sqrt(2) * (high - level)) & (found - level >= np.sqrt(2) * (low - level)))
    return np.asarray(np.mean(allowed, axis=0))


def judge(group: Group, n_splits: int, rule: OutlierRule, seed: int = 0) -> Figures:
    """The figures of one group over random halves."""
    generator = np.random.default_rng(seed)
    known = np.flatnonzero(np.isfinite(group.intensity) & (group.intensity > 0))
    whole = tiers(group, known, generator, rule)
    full_score = whole.score(group.intensity, group.drivers)
    fairness, order, mean_shift, far_shift, coverage = [], [], [], [], []
    for _ in range(n_splits):
        mixed = generator.permutation(known)
        kept, other = mixed[: len(known) // 2], mixed[len(known) // 2 :]
        half = tiers(group, kept, generator, rule)
        score = half.score(group.intensity[other], group.drivers[other])
        fairness.append([spearman(score, driver) for driver in group.drivers[other].T])
        order.append(-spearman(score, group.intensity[other]))
        shift = np.abs(half.score(group.intensity[kept], group.drivers[kept]) - full_score[kept])
        mean_shift.append(shift.mean())
        far_shift.append(np.quantile(shift, 0.95))
        limits = half.limits_for(group.drivers[other])
        coverage.append((group.intensity[other][:, None] <= limits).mean(axis=0) - SHARES)
    signed = dict(zip(group.names, np.mean(fairness, axis=0).round(3).tolist(), strict=True))
    size = {
        name: round(float(value), 3) for name, value in zip(group.names, np.abs(fairness).mean(axis=0), strict=True)
    }
    allowed = interval_coverage(group, known, min(n_splits, INTERVAL_SPLITS), rule, seed)
    error = dict(zip(("constraint", "baseline", "guide"), np.mean(coverage, axis=0).round(4).tolist(), strict=True))
    return Figures(
        len(known),
        spearman=signed,
        spearman_largest=max((abs(value) for value in signed.values()), default=0.0),
        spearman_one_split=size,
        spearman_intensity=round(float(np.mean(order)), 3),
        shift_mean=round(float(np.mean(mean_shift)), 2),
        shift_p95=round(float(np.mean(far_shift)), 2),
        coverage=error,
        coverage_largest=max(abs(value) for value in error.values()),
        interval_coverage=dict(zip(("constraint", "baseline", "guide"), allowed.round(2).tolist(), strict=True)),
    )


def read_groups(folder: Path) -> list[Group]:
    """Groups with at least twice the smallest number of buildings, so that each half is a group; none without files.

    Raises
    ------
    RecordingError
        A file cannot be read.
    """
    groups = [cbecs(path) for path in sorted(folder.glob("cbecs*.csv*"))]
    groups += [group for path in sorted(folder.glob("seattle*.csv*")) for group in seattle(path)]
    return [group for group in groups if (group.intensity > 0).sum() >= 2 * MIN_GROUP]


def worst_figures(folder: Path, n_splits: int = 200) -> dict[str, float]:
    """The figures that have a target, the worst of all groups; none where there are no groups."""
    found = [judge(group, n_splits, OutlierRule.FAR_OUT) for group in read_groups(folder)]
    if not found:
        return {}
    large = [one.coverage_largest for one in found if one.n >= LARGE]
    return {
        "groups": float(len(found)),
        "spearman_largest": max(one.spearman_largest for one in found),
        "spearman_intensity_least": min(one.spearman_intensity for one in found),
        "shift_mean": max(one.shift_mean for one in found),
        "shift_p95": max(one.shift_p95 for one in found),
        "coverage_largest": max(large, default=float("nan")),
        "interval_coverage": float(np.mean([value for one in found for value in one.interval_coverage.values()])),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--rule", type=OutlierRule, default=OutlierRule.FAR_OUT, choices=list(OutlierRule))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = options.data / "benchmarking"
    try:
        groups = read_groups(folder)
    except RecordingError as exc:
        print(f"quotas: {exc}", file=sys.stderr)
        return 1
    if not groups:
        print(
            f"quotas: no cbecs*.csv.gz or seattle*.csv.gz in {folder}; name the folder around it with --data",
            file=sys.stderr,
        )
        return 1
    found = {group.name: judge(group, options.splits, options.rule) for group in groups}
    for name, figures in found.items():
        print(name)
        for key, value in asdict(figures).items():
            print(f"  {key:20} {value}")
    if options.json:
        options.json.write_text(
            json.dumps({"quotas": {name: asdict(one) for name, one in found.items()}}, indent=1), encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
