"""Faults from outside: InfluxDB stopped and frozen (P-04, P-05), and the order of fsync and acknowledgement (P-09)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import server_path

ROOT = Path(__file__).parents[2]


@pytest.mark.services
@pytest.mark.slow
def test_an_influxdb_that_is_stopped_or_frozen_costs_no_reading() -> None:
    server_path("INFLUXD")
    command = [sys.executable, ROOT / "benchmarks" / "outage.py", "--seconds", "4", "--rate", "1000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    _, stopped, frozen = (line.split() for line in done.stdout.splitlines())
    for row in (stopped, frozen):
        assert int(row[2]) >= 4000  # acknowledged while the store was away
        assert row[4:7] == ["0", "0", "0"]


TRACED = """
import sys, socket, time
from pathlib import Path
from collector.pipeline import Pipeline
from collector.source import Delivery
from energy.storage import open_store
from tests.collector.world import T0, TOPIC, make_registry, message, settings_for

home = Path(sys.argv[1])
left, right = socket.socketpair()

class Acknowledger:
    n = 0
    def acknowledge(self, tokens, codes):
        left.sendall(b"PUBACK" * len(tokens))
        Acknowledger.n += len(tokens)

registry = make_registry(home)
settings = settings_for(home)
store = open_store(settings_for(home / "store"), role="ingest")
pipeline = Pipeline(settings, registry, store)
pipeline.start()
acks = Acknowledger()
for n in range(200):
    pipeline.put([Delivery(TOPIC, message(("e-side", T0 + n, float(n))), n + 1, acks)])
    while Acknowledger.n < n - 20:
        time.sleep(0.001)
    right.setblocking(False)
    try:
        right.recv(65536)
    except BlockingIOError:
        pass
while Acknowledger.n < 200:
    time.sleep(0.001)
pipeline.stop()
store.close()
registry.close()
"""


def test_every_acknowledgement_leaves_after_the_disk_has_it(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (apt-get install strace)")
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-o", trace, "-e", "trace=fdatasync,fsync,pwrite64,sendto", sys.executable]
    done = subprocess.run(
        [*command, "-c", TRACED, tmp_path / "home"], capture_output=True, text=True, timeout=200, cwd=ROOT, check=False
    )
    if "ptrace" in done.stderr and done.returncode:
        pytest.skip(f"strace may not trace here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    n_acks, n_writes, unsynced = 0, 0, 0
    spool = re.compile(r"(\w+)\(\d+<[^>]*/spool/spool\.db-wal>")
    for line in trace.read_text(errors="replace").splitlines():
        found = spool.search(line)
        if found and found[1] == "pwrite64":
            unsynced += 1
            n_writes += 1
        elif found:
            unsynced = 0
        elif "PUBACK" in line:
            n_acks += 1
            assert unsynced == 0, f"an acknowledgement left before its fsync: {line}"
    assert n_acks > 0
    assert n_writes > 0
