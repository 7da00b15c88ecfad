"""A copy of an installation while it runs, from which it can go on elsewhere.

The order makes a moment of what is copied one after the other: a reading that leaves the spool while we copy is in the
spool's copy, in the store's, or in both, never in none; in both it is known when it is forwarded again. Secrets stay
where they are.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from energy.backups import Backup, note_backup
from energy.errors import SettingsError, StorageForbidden
from energy.settings import Settings

_DATABASES: Final = ("spool/spool.db", "registry.db", "readings.db", "results.db")
_FILES: Final = ("spool/meters.json", "settings.toml")  # the numbers of meters after the spool that uses them


@dataclass(frozen=True, slots=True)
class Copy:
    """One file of the backup."""

    name: str
    size: int


def back_up(settings: Settings, target: Path) -> Iterator[Copy]:
    """Copy everything of this installation that is here into an empty folder, each database checked after copying."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SettingsError(f"{target}: expected an empty folder, or none yet: a backup never overwrites another")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    began, size = int(time.time()), 0
    for name in (*_DATABASES, *_FILES):
        if (settings.home / name).is_file():
            (target / name).parent.mkdir(exist_ok=True)
            (_copy_database if name in _DATABASES else shutil.copy2)(settings.home / name, target / name)
            _sync(target / name)
            size += (target / name).stat().st_size
            yield Copy(name, (target / name).stat().st_size)
    if size:
        note_backup(settings.home, Backup(began, str(target.resolve()), size))


def elsewhere(settings: Settings) -> list[str]:
    """What this installation keeps on servers, whose own tools copy it."""
    registry = settings.registry_url.startswith("sqlite")
    told = [] if registry else ["registry.url names a database server: copy it with pg_dump"]
    return told + (["store.kind is influx: copy it with `influx backup`"] if settings.store.kind == "influx" else [])


def _sync(file: Path) -> None:
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def _copy_database(source: Path, target: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(source, timeout=30)) as database:
            database.execute("VACUUM INTO ?", (str(target),))  # one transaction's view, whatever others write meanwhile
        with contextlib.closing(sqlite3.connect(target)) as copy:
            (answer,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as exc:
        raise StorageForbidden(f"{source}: cannot be copied to {target} ({exc})") from exc
    if answer != "ok":
        raise StorageForbidden(f"{target}: the copy is damaged ({answer}); so may be {source}: see docs/operations.md")
