"""Start the Standard size in order, keep it running, stop it together."""

from __future__ import annotations

from rich.console import Console

from energy.errors import SettingsError
from energy.settings import Settings
from jieneng.doctor import examine
from jieneng.running import Demo, attend, only_one, stop_on_signals, supervised, wait_ready
from jieneng.stack import grafana, influxdb, mosquitto
from jieneng.stack.installation import installed, secret_file
from jieneng.stack.servers import Servers


def run_stack(settings: Settings, servers: Servers, demo: Demo | None, *, free_ports: bool = False) -> int:
    """Run until SIGTERM or SIGINT, or with `demo.once` until the demo is loaded and checked; the exit code."""
    console = Console()
    with only_one(settings.home):
        settings = installed(settings, free_ports=free_ports)
        stop = stop_on_signals()
        first = [influxdb.part(servers.influxd, settings), mosquitto.part(servers.mosquitto, settings)]
        with supervised(first, stop):
            wait_ready(first, stop)
            if stop.is_set():
                return 0
            influxdb.set_up(settings)
            _mend(settings)
            password = secret_file(settings.home, "grafana_password")
            console.print(f"Grafana  {settings.grafana.url}  user admin, password in {password}", soft_wrap=True)
            return attend(settings, demo, console, stop, grafana.part(servers.grafana, settings))


def _mend(settings: Settings) -> None:
    """What `jieneng doctor --fix` does: schema, bucket with its retention, tokens with no more than their right."""
    wrong = [check for check in examine(settings, fix=True) if not check.is_fine and check.name != "Grafana"]
    if wrong:
        raise SettingsError("; ".join(f"{check.name}: {check.found} -> {check.mend}" for check in wrong))
