"""How long a newcomer waits: from `jieneng up --demo` to the first complete chart, and to the whole province.

    python -m benchmarks.first_chart [--first-only]

Starts the command in a new home on free ports, signs in by the link it prints, and asks for the daily consumption of
the first institution until each of its categories is there for every day of the history, with nothing missing. The
whole is there when the command says that it is running. Ends with 1 if a promise was missed.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import httpx

from simulators.catalogue import HOUSES, ZONE
from simulators.province import demo_start

FIRST_S: Final = 60
WHOLE_S: Final = 240
_GIVE_UP_S: Final = 1800
_POLL_S: Final = 0.5
_CATEGORIES: Final = {"electricity", "water", "gas", "heat"}
_FREE_PORTS: Final = {f"JIENENG_{key}": "0" for key in ("MQTT__PORT", "INGEST__HTTP_PORT", "WEB__PORT")}


@dataclass
class Demo:
    """A running `jieneng up --demo`, and when it said what."""

    process: subprocess.Popen[str]
    started: float = field(default_factory=time.monotonic)
    link: str = ""
    ready_s: float | None = None
    whole_s: float | None = None

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def listen(self) -> None:
        """Read what it prints, to the end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.match(r"console\s+(\S+)", line):
                self.link, self.ready_s = found.group(1), self.seconds()
            elif line.startswith("running"):
                self.whole_s = self.seconds()

    def wait(self, what: str) -> None:
        """Wait until it has said this."""
        while getattr(self, what) is None:
            if self.process.poll() is not None or self.seconds() > _GIVE_UP_S:
                raise SystemExit(f"jieneng up --demo ended, or took more than {_GIVE_UP_S} s ({what})")
            time.sleep(_POLL_S)


@contextmanager
def demo(home: Path) -> Iterator[Demo]:
    """The command at work in this home."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jieneng", "up", "--demo", "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | _FREE_PORTS,
    )
    running = Demo(process)
    listener = threading.Thread(target=running.listen)
    listener.start()
    try:
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        listener.join()


def first_chart_s(running: Demo) -> float:
    """Seconds until the first institution's page and every figure of its chart are there."""
    yesterday = datetime.now(UTC).astimezone(ZoneInfo(ZONE)).date() - timedelta(days=1)
    first = demo_start(yesterday + timedelta(days=1))
    n_days = (yesterday - first).days + 1
    days = {"first": first.isoformat(), "last": yesterday.isoformat()}
    with httpx.Client(base_url=running.link.partition("/enter/")[0], follow_redirects=True, timeout=60) as client:
        client.get(running.link).raise_for_status()
        while not _is_complete(client.get(f"/api/v1/institutions/{HOUSES[0].id}/consumption", params=days), n_days):
            if running.seconds() > _GIVE_UP_S:
                raise SystemExit(f"the first chart was not complete within {_GIVE_UP_S} s")
            time.sleep(_POLL_S)
        client.get(f"/institutions/{HOUSES[0].id}", params=days).raise_for_status()
    return running.seconds()


def _is_complete(answer: httpx.Response, n_days: int) -> bool:
    """True when each category has every day, each whole."""
    series = answer.raise_for_status().json()["series"]
    whole = {
        one["category"]
        for one in series
        if len(one["rows"]) == n_days and all(row["amount"] is not None and row["coverage"] == 1 for row in one["rows"])
    }
    return whole >= _CATEGORIES


def main() -> int:
    """Measure and print; 1 if a promise was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-only", action="store_true", help="end after the first chart")
    first_only = parser.parse_args().first_only
    print(f"load before the start: {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors", flush=True)
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder) / "home") as running:
        running.wait("ready_s")
        print(f"console answers               {running.ready_s:6.1f} s", flush=True)
        first = first_chart_s(running)
        print(f"first chart complete          {first:6.1f} s   (promised: {FIRST_S})", flush=True)
        if first_only:
            return int(first > FIRST_S)
        running.wait("whole_s")
        assert running.whole_s is not None
        print(f"whole province's history      {running.whole_s:6.1f} s   (promised: {WHOLE_S})")
        return int(first > FIRST_S or running.whole_s > WHOLE_S)


if __name__ == "__main__":
    sys.exit(main())
