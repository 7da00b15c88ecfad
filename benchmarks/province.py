"""Findings and stages on the simulated province, against its labelled faults.

    python benchmarks/province.py [--seed 1] [--years 2] [--billed 200] [--json OUT.json]

The province is put into a registry and an embedded store in a folder that is thrown away, the jobs run once over the
whole history, and findings are compared with the labels, which depend on the seed alone: events of the last year(s)
that have a year before them, found at all, in time (48 hours; leaks and levels 14 days), and among those shown.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402

from analytics import jobs  # noqa: E402
from energy.registry import Registry, Touched  # noqa: E402
from energy.series import Readings  # noqa: E402
from energy.storage.embedded import EmbeddedStore  # noqa: E402
from jieneng import verdict  # noqa: E402
from simulators.province import DemoPlan, Province, build  # noqa: E402

END = date(2026, 1, 1)


def load(province: Province, store: EmbeddedStore, registry: Registry) -> None:
    """Everything the gateways would have sent, straight into the store, and marked as touched."""
    for sheets in (province.sheets, province.billed.sheets if province.billed else {}, province.decisions):
        registry.import_sheets(sheets)
    marks = []
    for gateways in province.gateways.values():
        for gateway in gateways:
            matrix = province.registers([d.id for d in gateway.devices], province.window.start, province.window.end + 1)
            for meter, values in zip(matrix.meters, matrix.values, strict=True):
                known = np.isfinite(values)
                time_, n = matrix.times[known], int(known.sum())
                flags = np.zeros(n, np.uint8)
                store.write_readings(Readings((meter,), np.zeros(n, np.int32), time_, values[known], flags, time_))
                marks.append(Touched(meter, int(time_[0]), int(time_[-1])))
    registry.mark_touched(marks)


def main() -> None:
    """Run and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--years", type=int, default=2)
    options.add_argument("--billed", type=int, default=200)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    province = build(given.seed, date(END.year - given.years, 1, 1), END, billed=given.billed)
    with tempfile.TemporaryDirectory() as name:
        registry = Registry.open(f"sqlite:///{name}/registry.db", migrate=True)
        store = EmbeddedStore(Path(name), writes_readings=True)
        load(province, store, registry)
        started = time.process_time()
        jobs.run(store, registry, now=province.window.end)
        seconds = time.process_time() - started
        seen = verdict.look(DemoPlan(province, province.window.start, province.window.end), registry)
        store.close()
        registry.close()
    for kind, score in sorted(seen.detection.scores.items()):
        told = f"{score.in_time:3} of {score.events:3} in time, {score.found:3} at all, {score.shown:3} shown"
        print(f"{kind.value:10} {told}")
    print(
        f"findings   {seen.detection.findings}, {seen.detection.false_per_meter_year:.2f} without a label a meter-year"
    )
    print(f"stages     {seen.crossings}")
    print(f"jobs       {seconds:.1f} CPU-s")
    if given.json is not None:
        kinds = {kind.value: asdict(score) for kind, score in seen.detection.scores.items()}
        false = seen.detection.false_per_meter_year
        found = {"kinds": kinds, "false_per_meter_year": false, "stages": asdict(seen.crossings), "cpu_s": seconds}
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
