"""The home folder of a stack: its settings and secrets, made at the first start and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from energy.errors import SettingsError
from energy.settings import Settings, load
from jieneng import ports
from jieneng.credentials import admit
from jieneng.probes import listens
from jieneng.secret_files import kept

_HEAD = "# Made by `jieneng stack` at its first start; yours to change, it is not written again.\n"
_COLLECTOR = "jieneng-collector"


def installed(settings: Settings, *, free_ports: bool = False) -> Settings:
    """The stack's settings, written at the first start with ports that are free then; its secrets made."""
    file = settings.home / "settings.toml"
    if not file.exists():
        file.write_text(_HEAD + _toml(_chosen(settings, free_ports=free_ports)), encoding="utf-8")
    settings = load(settings.home)
    if settings.mqtt.source != "broker" or settings.store.kind != "influx" or settings.grafana.url is None:
        raise SettingsError(f"{file} is not that of a stack (broker, influx, grafana): give another --home")
    _refuse_taken(settings)
    _keep_secrets(settings)
    return settings


def port_of(url: str) -> int:
    """The port of an address of ours, which always states it."""
    return urlsplit(url).port or 80


def secret_file(home: Path, name: str) -> Path:
    """Where a secret of the stack is."""
    return home / "secrets" / name


def _chosen(settings: Settings, *, free_ports: bool) -> dict[str, dict[str, str | int]]:
    home, host = settings.home, "127.0.0.1"
    usual = {"mqtt": 1883, "ingest": 8081, "store": 8086, "web": 8080, "grafana": 3000}
    port = ports.apart(host, {name: 0 if free_ports else number for name, number in usual.items()})
    return {
        "mqtt": {
            "source": "broker",
            "host": host,
            "port": port["mqtt"],
            "username": _COLLECTOR,
            "password_file": str(secret_file(home, "broker_password")),
            "broker_passwords": str(home / "mosquitto" / "passwords"),
        },
        "ingest": {"http_port": port["ingest"]},
        "store": {
            "kind": "influx",
            "url": f"http://{host}:{port['store']}",
            "admin_token_file": str(secret_file(home, "influx_admin_token")),
            "token_file": str(secret_file(home, "influx_token")),
            "read_token_file": str(secret_file(home, "influx_read_token")),
        },
        "web": {"port": port["web"]},
        "grafana": {"url": f"http://{host}:{port['grafana']}"},
    }


def _toml(groups: Mapping[str, Mapping[str, str | int]]) -> str:
    """Texts and numbers only: JSON writes them as TOML does."""
    return "".join(
        f"\n[{name}]\n" + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in group.items())
        for name, group in groups.items()
    )


def _refuse_taken(settings: Settings) -> None:
    wanted = {
        "mqtt.port": settings.mqtt.port,
        "ingest.http_port": settings.ingest.http_port,
        "store.url": port_of(settings.store.url),
        "web.port": settings.web.port,
        "grafana.url": port_of(settings.grafana.url or ""),
    }
    taken = [f"{port} ({key})" for key, port in wanted.items() if listens("127.0.0.1", port)()]
    if taken:
        file = settings.home / "settings.toml"
        raise SettingsError(f"taken ports: {', '.join(taken)}; end what listens there, or change them in {file}")


def _keep_secrets(settings: Settings) -> None:
    """Secrets that are ours to make; the tokens of the bucket are made by InfluxDB (`jieneng doctor --fix`)."""
    for name in ("influx_password", "influx_admin_token", "grafana_password", "grafana_secret_key"):
        kept(secret_file(settings.home, name))
    password, file = kept(secret_file(settings.home, "broker_password")), settings.mqtt.broker_passwords
    if file is not None and not file.exists():
        file.parent.mkdir(exist_ok=True, mode=0o700)
        admit(file, {settings.mqtt.username or _COLLECTOR: password})
