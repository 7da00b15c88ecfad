"""The command as a newcomer runs it: real processes, the demo through MQTT, judged against the truth."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import Influx, wait_until


def jieneng(
    *arguments: str, home: Path, timeout_s: float = 900, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One verb, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "jieneng", *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=os.environ | (environment or {}),
    )


@contextmanager
def running_up(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`jieneng up` on ports of its own; gives the process and its addresses."""
    ports = {"JIENENG_MQTT__PORT": "0", "JIENENG_INGEST__HTTP_PORT": "0", "JIENENG_WEB__PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "jieneng", "up", "--home", str(home), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | ports,
    )
    addresses: dict[str, str] = {}
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.match(r"(mqtt|ingest|web)\.(?:http_)?port: (\d+)", line)
            if found:
                addresses[found.group(1)] = found.group(2)
            if line.startswith("running"):
                break
        else:
            raise AssertionError(f"ended early: {process.wait()}")
        yield process, addresses
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def is_alive(pid: int) -> bool:
    """True while a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> list[int]:
    """Processes started by any thread of a process."""
    texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for text in texts for child in text.split()]


def get(address: str, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{address}{path}", timeout=10) as answer:
        body: bytes = answer.read()
    return body


def counted(printed: str) -> dict[str, int]:
    """Readings by what became of them, from the table that `--once` prints."""
    rows = re.findall(r"│ ([\w:]+)\s+│ ([\d,]+)\s+│ readings", printed)
    return {name: int(n.replace(",", "")) for name, n in rows}


def judged(home: Path, environment: dict[str, str]) -> None:
    """Load a few days of the demo and let it be judged; counts must add up and the truth be met."""
    done = jieneng("up", "--demo", "--once", "--days", "4", home=home, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = counted(done.stdout)
    assert counts["sent"] > 100_000
    assert counts["sent"] == sum(n for name, n in counts.items() if name != "sent")
    assert re.search(r"recorded building-years equal\s+│ 12 ", done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_the_demo_accounts_for_every_reading_and_meets_the_truth_in_the_embedded_store(tmp_path: Path) -> None:
    judged(tmp_path / "home", {})


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.timeout(1000)
def test_the_demo_accounts_for_every_reading_and_meets_the_truth_in_influxdb(tmp_path: Path, influx: Influx) -> None:
    store = {"KIND": "influx", "URL": influx.url, "ORG": influx.org, "BUCKET": influx.bucket, "TOKEN": influx.token}
    judged(tmp_path / "home", {f"JIENENG_STORE__{key}": value for key, value in store.items()})


@pytest.mark.slow
def test_up_starts_a_killed_part_again_and_stops_together(tmp_path: Path) -> None:
    with running_up(tmp_path / "home") as (process, addresses):
        assert json.loads(get(addresses["ingest"], "/livez"))["ok"]
        before = children_of(process.pid)
        assert len(before) == 2
        killed = before[0]
        os.kill(killed, signal.SIGKILL)

        def is_back() -> bool:
            now = children_of(process.pid)
            return len(now) == 2 and killed not in now

        wait_until(is_back, timeout_s=30, what="the killed part")
        started = time.monotonic()
    assert process.returncode == 0
    assert time.monotonic() - started < 30


@pytest.mark.slow
def test_parts_do_not_outlive_a_killed_up(tmp_path: Path) -> None:
    with running_up(tmp_path / "home") as (process, _addresses):
        parts = children_of(process.pid)
        assert len(parts) == 2
        process.kill()
        process.wait()
        wait_until(lambda: not any(is_alive(part) for part in parts), timeout_s=60, what="the parts to end")


@pytest.mark.slow
def test_two_ups_never_share_a_home(tmp_path: Path) -> None:
    with running_up(tmp_path / "home"):
        second = jieneng("up", home=tmp_path / "home")
    assert second.returncode == 1
    assert "another `jieneng up` runs here" in second.stderr


def test_a_named_port_that_is_taken_is_said_and_not_moved(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "settings.toml").write_text(f"[web]\nport = {taken.getsockname()[1]}\n")
        done = jieneng("up", home=tmp_path)
    assert done.returncode == 1
    assert "is taken: end what listens there, or set another port" in done.stderr


def test_wrong_use_is_2_and_a_broken_setting_is_1(tmp_path: Path) -> None:
    assert jieneng("up", "--nonsense", home=tmp_path).returncode == 2
    (tmp_path / "settings.toml").write_text("[mqtt]\nprot = 1884\n")
    done = jieneng("doctor", home=tmp_path)
    assert done.returncode == 1
    assert "mqtt.prot is not a setting; did you mean mqtt.port?" in done.stderr


def test_every_process_but_up_and_migrate_refuses_a_missing_schema(tmp_path: Path) -> None:
    done = jieneng("collect", home=tmp_path)
    assert done.returncode == 1
    assert "jieneng migrate" in done.stderr


def test_doctor_mends_a_new_home_and_finds_it_well(tmp_path: Path) -> None:
    home = tmp_path / "new"
    before = jieneng("doctor", home=home)
    assert before.returncode == 1
    assert "jieneng migrate" in before.stdout
    after = jieneng("doctor", "--fix", home=home)
    assert after.returncode == 0, after.stdout
    assert "FAIL" not in after.stdout


def test_doctor_names_a_gateway_whose_profile_cannot_be_read(tmp_path: Path) -> None:
    home, sheets = tmp_path / "home", tmp_path / "sheets"
    shutil.copytree(Path(__file__).parents[2] / "docs" / "examples" / "registry", sheets)
    gateways = sheets / "gateways.csv"
    gateways.write_text(gateways.read_text().replace("SenML,senml", "SenML,sparkplug"))
    jieneng("migrate", home=home)
    assert jieneng("import", "registry", str(sheets), home=home).returncode == 0
    done = jieneng("doctor", home=home)
    assert done.returncode == 1
    assert "Gateway trial-senml: profile 'sparkplug': expected a format first (jieneng, senml)" in done.stdout
