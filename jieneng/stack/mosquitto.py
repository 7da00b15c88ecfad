"""The broker: `deploy/mosquitto/mosquitto.conf` with the paths of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from energy.errors import SettingsError
from energy.settings import Settings
from jieneng.probes import listens
from jieneng.stack.servers import deployed
from jieneng.supervisor import Part

_PLUGIN: Final = "mosquitto_persist_sqlite.so"


def part(program: Path, settings: Settings) -> Part:
    """Mosquitto with its durable queue, access rules and password file, on loopback."""
    folder = settings.home / "mosquitto"
    folder.mkdir(exist_ok=True, mode=0o700)
    shutil.copyfile(deployed("mosquitto/acl"), folder / "acl")
    (folder / "acl").chmod(0o600)
    plugin = _plugin(program)
    (folder / "mosquitto.conf").write_text("\n".join(_lines(settings, folder, plugin)) + "\n", encoding="utf-8")
    libraries = os.pathsep.join(filter(None, (str(plugin.parent), os.environ.get("LD_LIBRARY_PATH"))))
    return Part.of_server(
        [program, "-c", folder / "mosquitto.conf"],
        settings.home,
        listens(settings.mqtt.host, settings.mqtt.port),
        {"LD_LIBRARY_PATH": libraries},
        reread=settings.mqtt.broker_passwords,
    )


def _lines(settings: Settings, folder: Path, plugin: Path) -> Iterator[str]:
    own = {
        "listener 1883 ": f"listener {settings.mqtt.port} {settings.mqtt.host}",
        "password_file ": f"password_file {settings.mqtt.broker_passwords}",
        "acl_file ": f"acl_file {folder / 'acl'}",
        "plugin ": f"plugin {plugin}",
    }
    for line in deployed("mosquitto/mosquitto.conf").read_text(encoding="utf-8").splitlines():
        yield next((text for beginning, text in own.items() if line.startswith(beginning)), line)
    yield f"persistence_location {folder}/"
    if os.geteuid() == 0:
        yield "user root"  # else it would become `mosquitto`, which may not read a home of root


def _plugin(program: Path) -> Path:
    """The plugin that keeps the queue on disk, beside the program or where Debian has it."""
    folders = (program.resolve().parent.parent / "lib", Path("/usr/lib"), Path("/usr/lib/x86_64-linux-gnu"))
    for folder in folders:
        if (folder / _PLUGIN).is_file():
            return folder / _PLUGIN
    raise SettingsError(f"{program}: expected Mosquitto 2.1 or newer with {_PLUGIN} in {', '.join(map(str, folders))}")
