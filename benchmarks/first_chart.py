"""How long a newcomer waits: from `jieneng up --demo` to the home page, the first complete chart, the whole province.

    python -m benchmarks.first_chart [--first-only] [--compile]

Starts the command in a new home on free ports, signs in by the link it prints, and looks once a second, as a person
who reloads: at the home page for this month's consumption, a finding with its explanation and a target warning; and
at the daily consumption of the first institution, until each of its categories is there for every day of the history
with nothing missing. The whole is there when the command says that it is running. Ends with 1 if a promise was missed.

Beside the seconds stand the CPU-seconds of each process until then: on a busy machine only these can be compared.
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import httpx

from benchmarks.ingest.processes import Usage
from simulators.catalogue import HOUSES, ZONE
from simulators.province import demo_start

FIRST_S: Final = 60
WHOLE_S: Final = 240
_GIVE_UP_S: Final = 1800
_POLL_S: Final = 1.0
_CATEGORIES: Final = {"electricity", "water", "gas", "heat"}
# What stands in the page when a figure, a finding or a warning is on it.
_CONSUMPTION: Final = re.compile(r'class="label">Electricity · This month[^<]*</span>\s*<span class="figure">[\d,]{4}')
_FINDING: Final = re.compile(r'href="/findings/f-[^"]+"(?:(?!</li>).)*class="why">[^<]{20}', re.DOTALL)
_WARNING: Final = re.compile(r'id="c-targets"(?:(?!</section>).)*href="/institutions/', re.DOTALL)
_FREE_PORTS: Final = {f"JIENENG_{key}": "0" for key in ("MQTT__PORT", "INGEST__HTTP_PORT", "WEB__PORT")}


@dataclass
class Demo:
    """A running `jieneng up --demo`, and when it said what."""

    process: subprocess.Popen[str]
    started: float = field(default_factory=time.monotonic)
    link: str = ""
    last: str = ""
    ready_s: float | None = None
    whole_s: float | None = None

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    def listen(self) -> None:
        """Read what it prints, to the end."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.last = line.strip() or self.last
            if found := re.match(r"console\s+(\S+)", line):
                self.link, self.ready_s = found.group(1), self.seconds()
            elif line.startswith("running"):
                self.whole_s = self.seconds()

    def wait(self, what: str) -> None:
        """Wait until it has said this."""
        while getattr(self, what) is None:
            if self.process.poll() is not None or self.seconds() > _GIVE_UP_S:
                raise SystemExit(f"no {what} within {_GIVE_UP_S} s; the last that it said: {self.last}")
            time.sleep(_POLL_S)

    def spent(self) -> str:
        """CPU-seconds of each of its processes until now."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        used = {"up": own} | {_verb(int(child)): int(child) for child in children}
        return ", ".join(f"{verb} {Usage.of(pid).cpu_s:.0f}" for verb, pid in used.items())

    def tell(self, what: str, seconds: float, promised: int | None = None) -> bool:
        """Print one line; whether the promise was kept."""
        limit = f"promised: {promised}" if promised else ""
        print(f"{what:<30}{seconds:6.1f} s   {limit:<14} CPU-s: {self.spent()}", flush=True)
        return promised is None or seconds <= promised


def _verb(pid: int) -> str:
    """`collect` of `python -m jieneng collect ...`."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[3]


@contextmanager
def demo(home: Path, environment: Mapping[str, str]) -> Iterator[Demo]:
    """The command at work in this home."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jieneng", "up", "--demo", "--home", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **_FREE_PORTS, **environment},
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


Sight = Callable[[httpx.Client], bool]


def sights() -> dict[str, Sight]:
    """What a newcomer looks for, by its name in the table."""
    return {
        "consumption on the home page": lambda client: _on_home(client, _CONSUMPTION),
        "a finding and its explanation": lambda client: _on_home(client, _FINDING),
        "a target warning": lambda client: _on_home(client, _WARNING),
        "first chart complete": _first_chart,
    }


def watch(running: Demo) -> bool:
    """Look until everything was seen, telling when; whether each came in time."""
    waiting, kept = sights(), True
    with httpx.Client(base_url=running.link.partition("/enter/")[0], follow_redirects=True, timeout=60) as client:
        client.get(running.link).raise_for_status()
        while waiting:
            for name in [name for name, is_there in waiting.items() if is_there(client)]:
                kept &= running.tell(name, running.seconds(), FIRST_S)
                del waiting[name]
            if running.seconds() > _GIVE_UP_S:
                raise SystemExit(f"not seen within {_GIVE_UP_S} s: {', '.join(waiting)}")
            time.sleep(_POLL_S)
    return kept


def _on_home(client: httpx.Client, sign: re.Pattern[str]) -> bool:
    return sign.search(client.get("/?lang=en").raise_for_status().text) is not None


def _first_chart(client: httpx.Client) -> bool:
    """Whether the first institution's page and every figure of its chart are there."""
    yesterday = datetime.now(UTC).astimezone(ZoneInfo(ZONE)).date() - timedelta(days=1)
    first = demo_start(yesterday + timedelta(days=1))
    n_days = (yesterday - first).days + 1
    days = {"first": first.isoformat(), "last": yesterday.isoformat()}
    if not _is_complete(client.get(f"/api/v1/institutions/{HOUSES[0].id}/consumption", params=days), n_days):
        return False
    client.get(f"/institutions/{HOUSES[0].id}", params=days).raise_for_status()
    return True


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
    parser.add_argument("--first-only", action="store_true", help="end when home page and first chart are there")
    parser.add_argument("--compile", action="store_true", help="compile the kernels first, as on a new machine")
    arguments = parser.parse_args()
    print(f"load before the start: {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"NUMBA_CACHE_DIR": f"{folder}/compiled"} if arguments.compile else {}
        with demo(Path(folder) / "home", environment) as running:
            running.wait("ready_s")
            assert running.ready_s is not None
            running.tell("console answers", running.ready_s)
            kept = watch(running)
            if not arguments.first_only:
                running.wait("whole_s")
                assert running.whole_s is not None
                kept &= running.tell("whole province's history", running.whole_s, WHOLE_S)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
