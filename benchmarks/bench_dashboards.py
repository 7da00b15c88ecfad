"""How long a dashboard takes to open: navigation to last panel drawn, median of five warm opens in real Chromium.

    python -m benchmarks.bench_dashboards [--houses 3] [--days 16]

InfluxDB 2, Grafana and Chromium run on this machine and share its processors. Warm: the browser has opened the same
dashboard before; each open loads Grafana's page anew (`load`) or follows a link inside it (`link`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page

from dashboards.build import build
from dashboards.panels import Json
from tests.console.chromium import chromium_path, launched
from tests.dashboards.live import running
from tests.dashboards.look import Range, complaints, open_board

OPENS = 5
LIMIT_S = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--houses", type=int, default=3)
    parser.add_argument("--days", type=int, default=16)
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; medians of {OPENS} opens [s]")
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), houses=options.houses, days=options.days) as (grafana, now),
        launched(chromium_path()) as chromium,
    ):
        page = chromium.new_page()
        span = Range(now - min(options.days, 30) * 86_400, now)
        boards = build()["zh"]
        for board, other in zip(boards, [*boards[1:], boards[0]], strict=True):
            opened(page, grafana.url, board, span, anew=True)
            load = [opened(page, grafana.url, board, span, anew=True) for _ in range(OPENS)]
            link = []
            for _ in range(OPENS):
                opened(page, grafana.url, other, span, anew=False)
                link.append(opened(page, grafana.url, board, span, anew=False))
            medians = statistics.median(load), statistics.median(link)
            verdict = "ok" if max(medians) <= LIMIT_S else f"more than {LIMIT_S} s"
            print(f"{board['uid']:24} load {medians[0]:5.2f}   link {medians[1]:5.2f}   {verdict}")


def opened(page: Page, url: str, board: Json, span: Range, *, anew: bool) -> float:
    """Seconds until every panel shows something."""
    if anew:
        page.goto("about:blank")
    started = time.perf_counter()
    open_board(page, url, board, span)
    wrong = complaints(page, board)
    assert not wrong, wrong
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
