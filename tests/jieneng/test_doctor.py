"""`doctor` tells how old the last backup is, and which certificates have to be renewed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from energy.backups import NOTE, Backup, note_backup
from energy.registry import Registry
from energy.settings import MqttSettings, Settings
from jieneng.doctor import Check, examine
from tests.certificates import make_certificate

DAY = 86_400


def checked(settings: Settings, name: str) -> Check:
    (found,) = [check for check in examine(settings) if check.name == name]
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Registry.open(Settings(home=tmp_path).registry_url, migrate=True).close()
    return tmp_path


def test_a_backup_is_fine_until_it_is_a_week_old_and_never_is_told_as_never(home: Path) -> None:
    settings = Settings(home=home)
    assert checked(settings, "Backup").found.startswith("none was ever made")
    note_backup(home, Backup(int(time.time()) - 2 * DAY, "/mnt/backup", 1))
    assert (checked(settings, "Backup").is_fine, checked(settings, "Backup").found) == (
        True, "2.0 days old, in /mnt/backup",
    )  # fmt: skip
    note_backup(home, Backup(int(time.time()) - 8 * DAY, "/mnt/backup", 1))
    assert not checked(settings, "Backup").is_fine
    (home / NOTE).write_text("{}")
    assert "expected the note of the last backup" in checked(settings, "Backup").found


def test_a_certificate_that_ends_within_a_month_is_not_fine(home: Path) -> None:
    now = int(time.time())
    for days, is_fine in ((40, True), (29, False), (-3, False)):
        file = make_certificate(home / "own.pem", end=now + days * DAY + 60)
        check = checked(Settings(home=home, mqtt=MqttSettings(tls_cert=file)), "Certificate mqtt.tls_cert")
        assert (check.is_fine, f"{abs(days)} days" in check.found) == (is_fine, True)
