"""InfluxDB 2: its process, and its first user, bucket and managing token."""

from __future__ import annotations

from pathlib import Path

from energy.settings import Settings
from energy.storage import influx
from jieneng.probes import answers
from jieneng.secret_files import kept
from jieneng.stack.installation import port_of, secret_file
from jieneng.supervisor import Part


def part(program: Path, settings: Settings) -> Part:
    """InfluxDB on loopback, its data in the home folder; without its own page and its telemetry."""
    folder = settings.home / "influxdb"
    folder.mkdir(exist_ok=True, mode=0o700)
    command: list[str | Path] = [
        *(program, "run", "--http-bind-address", f"127.0.0.1:{port_of(settings.store.url)}"),
        *("--bolt-path", folder / "influxd.bolt", "--sqlite-path", folder / "influxd.sqlite"),
        *("--engine-path", folder / "engine", "--reporting-disabled", "--no-tasks", "--ui-disabled"),
        *("--storage-write-timeout", "30s"),  # its own 10 s are too few now and then while years are loaded
        *("--log-level", "error"),  # else it logs every query
    ]
    return Part.of_server(command, settings.home, answers(f"{settings.store.url}/health"))


def set_up(settings: Settings) -> None:
    """Make what a new InfluxDB lacks; one that was set up before is left alone."""
    influx.set_up(
        settings.store,
        username="jieneng",
        password=kept(secret_file(settings.home, "influx_password")),
        token=kept(secret_file(settings.home, "influx_admin_token")),
    )
