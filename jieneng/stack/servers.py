"""Where the servers of the Standard size are installed, and the files of `deploy/` that they are given."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from energy.errors import SettingsError

_DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
_GRAFANA: Final = Path("/usr/share/grafana")


@dataclass(frozen=True, slots=True)
class Servers:
    """The programs of Mosquitto and InfluxDB 2, and the folder of Grafana."""

    mosquitto: Path
    influxd: Path
    grafana: Path

    @classmethod
    def found(cls, mosquitto: Path | None, influxd: Path | None, grafana: Path | None) -> Self:
        """Those named, else those of PATH and of Debian's packages; SettingsError lists all that are missing."""
        places = {
            "mosquitto": mosquitto or _program("mosquitto") or _program("/usr/sbin/mosquitto"),
            "influxd": influxd or _program("influxd"),
            "grafana": grafana or _GRAFANA,
        }
        there = {name: place for name, place in places.items() if place is not None and place.exists()}
        missing = [f"--{name}" for name in places if name not in there]
        if missing:
            raise SettingsError(f"expected installed servers: name {', '.join(missing)}, or put them on PATH")
        return cls(**there)


def deployed(name: str) -> Path:
    """A file or folder of `deploy/`; SettingsError where the program was installed without it."""
    path = _DEPLOY / name
    if not path.exists():
        raise SettingsError(f"{path} is not there: `jieneng stack` runs from a checkout, other machines use units")
    return path


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None
