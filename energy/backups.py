"""When the last backup was made: a note in the home folder, by which those who answer for it are told its age."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from energy.errors import SettingsError

NOTE: Final = "last-backup.json"
WARN_DAYS: Final = 7
"""Age from which on a backup is too old, where nothing else is set; one a day is the advice."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was finished, each of its copies checked."""

    time: int
    folder: str
    size: int


def note_backup(home: Path, backup: Backup) -> None:
    """Write down that a backup is finished."""
    new = home / f"{NOTE}.new"
    with new.open("w", encoding="utf-8") as file:
        json.dump(asdict(backup), file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(home / NOTE)


def last_backup(home: Path) -> Backup | None:
    """The last finished backup of this installation; None where there never was one."""
    file = home / NOTE
    try:
        return Backup(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as exc:
        raise SettingsError(f"{file}: expected the note of the last backup: {exc}; make a backup again") from exc
