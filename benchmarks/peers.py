"""The same buildings through the libraries a user would otherwise pick: quality and time side by side.

    python benchmarks/peers.py --data FOLDER [--fit 2016] [--score 2017] [--venv FOLDER] [--meters N]
                               [--only opendsm,stl,pyod,adtk] [--json OUT]

Installs opendsm (with multimethod < 2, without which it does not import), PyOD, statsmodels and ADTK into an
environment of their own (`--venv`, kept for the next time; needs a package index and about 1 GB) and runs them there
on the years that `quality.py` uses. A full run takes about an hour, most of it STL and IsolationForest; `--meters 3`
takes a few minutes. Our own figures stand first, from `quality.py` on the same buildings. Expected use is compared
meter by meter, on the meters of which both have a model: the share on which ours errs less, medians and means. Peers of
the detector are given missing hours as 0, as the recorded files write them: none of them takes unknown values.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEERS = {
    "opendsm": ["opendsm==1.2.7", "multimethod<2"],
    "stl": ["statsmodels"],
    "pyod": ["pyod"],
    "adtk": ["adtk"],
}


@dataclass(frozen=True)
class Folder:
    """Recorded buildings, the year to fit on and the year to judge."""

    data: Path
    fit: int
    score: int

    def use(self, year: int) -> Path:
        return self.data / "cambridge" / f"electricity_{year}.csv.gz"

    @property
    def injected(self) -> Path:
        return self.data / "anomaly" / f"electricity_{self.score}_injected.csv.gz"

    def judged(self, peer: str) -> Path:
        return self.use(self.score) if peer == "opendsm" else self.injected


def environment(folder: Path, names: list[str]) -> Path:
    """An interpreter that has the wanted libraries."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = [package for name in names for package in PEERS[name]]
    subprocess.run([str(python), "-m", "pip", "install", "-q", "numpy", "pandas", *wanted], check=True)
    return python


def columns(path: Path) -> list[str]:
    import gzip

    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return next(csv.reader(lines))[1:]


def meters(folder: Folder, peer: str) -> list[str]:
    """Meters that both years have; for detectors those with faults put in."""
    before = set(columns(folder.use(folder.fit)))
    return [name for name in columns(folder.judged(peer)) if name in before]


def run_inside(folder: Folder, peer: str, names: list[str]) -> dict[str, Any]:
    """One peer on these buildings; runs in the peers' environment."""
    import numpy as np
    import pandas as pd

    def load(path: Path) -> Any:
        return pd.read_csv(path, index_col=0, parse_dates=True)[names]

    start = time.process_time()
    if peer == "opendsm":
        files = sorted((folder.data / "cambridge").glob("weather_*"))
        weather = pd.concat([pd.read_csv(path, index_col=0, parse_dates=True) for path in files])
        years = [load(folder.use(year)) for year in (folder.fit, folder.score)]
        errors = {}
        for name in names:
            try:
                errors[name] = opendsm_error(years[0][name], years[1][name], weather["temp_c"])
            except Exception as problem:  # a peer's crash is a result
                print(f"opendsm {name}: {type(problem).__name__}: {problem}", file=sys.stderr)
        result: dict[str, Any] = {"errors": errors, "raised": len(names) - len(errors)}
    else:
        values = load(folder.injected).fillna(0).to_numpy(float).T
        score = np.stack([DETECTORS[peer](row) for row in values])
        result = {"scores": np.round(score, 5).tolist()}
    result["cpu_s_per_meter"] = (time.process_time() - start) / max(len(names), 1)
    return result


def opendsm_error(fit: Any, score: Any, temperature: Any) -> float:
    """Out-of-sample hourly CV(RMSE) of opendsm's HourlyModel."""
    import numpy as np
    import pandas as pd
    from opendsm.eemeter import HourlyBaselineData, HourlyModel, HourlyReportingData

    def frame(series: Any) -> Any:
        table = pd.DataFrame({"observed": series.where(series > 0), "temperature": temperature.reindex(series.index)})
        return table.tz_localize("UTC").tz_convert("Europe/London")

    model = HourlyModel().fit(HourlyBaselineData(frame(fit), is_electricity_data=True), ignore_disqualification=True)
    reporting = HourlyReportingData(frame(score), is_electricity_data=True)
    predicted = model.predict(reporting, ignore_disqualification=True)["predicted"].tz_convert("UTC").tz_localize(None)
    known = (score > 0).to_numpy()
    error = (score - predicted.reindex(score.index)).to_numpy()[known]
    return float(np.sqrt(np.nanmean(error**2)) / score.to_numpy()[known].mean())


def stl(values: Any) -> Any:
    """Size of the remainder of a weekly STL, in MADs."""
    import numpy as np
    from statsmodels.tsa.seasonal import STL

    rest = np.abs(STL(values, period=168, robust=False).fit().resid)
    return rest / max(float(np.median(rest)), 1e-9)


def pyod(values: Any) -> Any:
    """IsolationForest on the value, its lags of an hour, a day and a week, and its place in day and week."""
    import numpy as np
    from pyod.models.iforest import IForest

    hours = np.arange(len(values))
    lags = [np.roll(values, lag) for lag in (1, 24, 168)]
    return IForest(random_state=0).fit(np.stack([values, *lags, hours % 24, hours % 168], axis=1)).decision_scores_


def adtk(values: Any) -> Any:
    """SeasonalAD: 1 where it calls an anomaly."""
    import numpy as np
    import pandas as pd
    from adtk.detector import SeasonalAD

    series = pd.Series(values, index=pd.date_range("2017-01-01", periods=len(values), freq="h"))
    found = SeasonalAD(freq=168).fit_detect(series)
    return np.nan_to_num(found.astype(float).to_numpy())


DETECTORS: dict[str, Callable[[Any], Any]] = {"stl": stl, "pyod": pyod, "adtk": adtk}


def our_errors(folder: Folder, names: list[str]) -> dict[str, float]:
    """Out-of-sample hourly CV(RMSE) of our expected use, by meter."""
    from analytics import metrics
    from analytics.expected import fit_expected
    from benchmarks.folder import Site
    from benchmarks.quality import positive
    from benchmarks.wide import read_wide
    from energy.intervals import HOUR, Window

    site = Site.read(folder.data / "cambridge", "Europe/London", closure=True)
    before, after = (read_wide(folder.use(year)) for year in (folder.fit, folder.score))
    terms, fitted, scored = site.designs(before.times, after.times)
    period = Window(int(before.times[0]), int(before.times[-1]) + HOUR)
    model = fit_expected(positive(before.take(names)), fitted, terms, period)
    found = metrics.cv_rmse(positive(after.take(names)), model.predict(scored))
    return dict(zip(names, found.tolist(), strict=True))


def compared(own: dict[str, float], peer: dict[str, float]) -> dict[str, float]:
    """Both on the meters of which both have an error, and every meter with ours and theirs."""
    import numpy as np

    names = [name for name in own if name in peer]
    errors = np.array([[own[name], peer[name]] for name in names]).reshape(-1, 2)
    result = {"meters": float(len(names)), "ours_better.share": float((errors[:, 0] < errors[:, 1]).mean())}
    for who, column in zip(("ours", "theirs"), errors.T, strict=True):
        result |= {f"{who}.median": float(np.median(column)), f"{who}.mean": float(np.mean(column))}
    result["ratio.geometric_mean"] = float(np.exp(np.log(errors[:, 0] / errors[:, 1]).mean()))
    for name in names:
        result |= {f"meter.{name}.ours": own[name], f"meter.{name}.theirs": peer[name]}
    return result


def ours(folder: Folder) -> dict[str, float]:
    """Our figures, by quality.py."""
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "quality.json"
        command = [sys.executable, str(Path(__file__).with_name("quality.py")), "--data", str(folder.data)]
        command += ["--fit", str(folder.fit), "--score", str(folder.score), "--json", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    return found


def anomaly_quality(folder: Folder, names: list[str], scores: list[list[float]]) -> dict[str, float]:
    """The project's metrics of a peer's scores."""
    import numpy as np

    from analytics import metrics
    from benchmarks.folder import read_labelled
    from benchmarks.quality import ALARMS_PER_YEAR

    labelled = read_labelled(folder.data, folder.score)
    rows = [labelled.names.index(name) for name in names]
    score = np.array(scores)
    auc, precision = metrics.ranking(score, labelled.truth[rows])
    alarms = metrics.merge_alarms(score >= metrics.lowest_threshold(score, ALARMS_PER_YEAR))
    events = [metrics.Span(rows.index(e.row), e.first, e.last) for e in labelled.events if e.row in rows]
    found = metrics.event_score(alarms, events)
    return {"auc": auc, "ap": precision, "evp": found.precision, "evr": found.recall}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fit", type=int, default=2016)
    parser.add_argument("--score", type=int, default=2017)
    parser.add_argument("--venv", type=Path, default=Path(tempfile.gettempdir()) / "jieneng-peers")
    parser.add_argument("--meters", type=int)
    parser.add_argument("--only", default=",".join(PEERS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    folder = Folder(options.data, options.fit, options.score)
    if options.inside:
        names = meters(folder, options.inside)[: options.meters]
        json.dump(run_inside(folder, options.inside, names), sys.stdout)
        return 0
    sys.path.insert(0, str(Path(__file__).parents[1]))
    peers = options.only.split(",")
    absent = [path for path in (folder.use(folder.fit), *map(folder.judged, peers)) if not path.is_file()]
    if absent:
        print(f"peers: {absent[0]}: expected this file; choose years by --fit and --score", file=sys.stderr)
        return 1
    python = environment(options.venv, peers)
    result: dict[str, Any] = {} if peers == ["opendsm"] else {"ours": ours(folder)}
    for peer in peers:
        result[peer] = compared_with(folder, peer, python, options.meters)
    for who, found in result.items():
        for key, value in found.items():
            print(f"{who:10s} {key:45s} {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def compared_with(folder: Folder, peer: str, python: Path, n_meters: int | None) -> dict[str, Any]:
    """One peer's figures; None where there is none."""
    command = [str(python), __file__, "--data", str(folder.data), "--inside", peer]
    command += ["--fit", str(folder.fit), "--score", str(folder.score)]
    command += ["--meters", str(n_meters)] if n_meters else []
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "scores" in found:
        found |= anomaly_quality(folder, meters(folder, peer)[:n_meters], found.pop("scores"))
    if "errors" in found:
        theirs = found.pop("errors")
        found |= compared(our_errors(folder, list(theirs)), theirs)
    return {key: None if value != value else value for key, value in found.items()}


if __name__ == "__main__":
    sys.exit(main())
