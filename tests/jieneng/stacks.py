"""A running `jieneng stack`, and a small province sent to an installation as its gateways send."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from energy.registry import Registry
from energy.settings import Settings, load
from jieneng.credentials import issue
from jieneng.progress import counters, settled
from simulators.messages import Tally
from simulators.province import Province
from simulators.publish import Target, publish
from tests.jieneng.test_up import children_of
from tests.servers import Grafana, server_path, wait_until


@dataclass(frozen=True)
class Stack:
    """The process, what it printed, and its installation."""

    process: subprocess.Popen[str]
    printed: str
    home: Path

    @property
    def settings(self) -> Settings:
        return load(self.home)

    @property
    def grafana(self) -> Grafana:
        """Its Grafana, to be called as the administrator."""
        password = (self.home / "secrets" / "grafana_password").read_text()
        return Grafana(self.home, int((self.settings.grafana.url or "").rsplit(":", 1)[1]), password=password)


def command(home: Path, *arguments: str) -> list[str]:
    servers = [f"--mosquitto={server_path('MOSQUITTO')}", f"--influxd={server_path('INFLUXD')}"]
    grafana = f"--grafana={server_path('GRAFANA_HOME')}"
    return [sys.executable, "-m", "jieneng", "stack", "--home", str(home), *servers, grafana, *arguments]


@contextmanager
def running_stack(home: Path) -> Iterator[Stack]:
    """`jieneng stack` on free ports, until it says that it runs; stopped as Ctrl-C stops it."""
    process = subprocess.Popen(
        command(home, "--free-ports"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    printed: list[str] = []
    try:
        for line in process.stdout:
            printed.append(line)
            if line.startswith("running"):
                break
        else:
            raise AssertionError("".join([*printed, f"ended early: {process.wait()}"]))
        yield Stack(process, "".join(printed), home)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        process.stdout.close()


def all_below(pid: int) -> list[int]:
    """Processes that a process started, and those they started."""
    own = children_of(pid)
    return own + [each for child in own for each in all_below(child)]


def load_province(settings: Settings, shire: Province, start: int, end: int) -> None:
    """Register the province, send its history over MQTT, and wait until everything is stored and computed."""
    tally = Tally()
    with closing(Registry.open(settings.registry_url)) as registry:
        registry.import_sheets(shire.sheets)
        secrets = issue(settings, registry, [g.id for parts in shire.gateways.values() for g in parts])
        target = Target(settings.mqtt.host, settings.mqtt.port, secrets)
        publish(tally.counting(shire.messages(start, end)), target)

        def is_done() -> bool:
            return settled(counters(settings)) >= tally.sent and registry.touched_pending() == 0

        wait_until(is_done, timeout_s=240, what="the jobs")
