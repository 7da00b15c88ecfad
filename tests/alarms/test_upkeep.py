"""Certificates that end, backups that grow old or were never made, and readings that do not add up (promise P-51)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from api.alarms import evaluate
from energy.backups import Backup, last_backup, note_backup
from energy.holidays import work_calendar
from energy.registry import AlarmRule, Notice, Registry
from energy.settings import Settings
from energy.storage.embedded import EmbeddedStore
from jieneng.backup import back_up
from tests.alarms.province import NOW, beat, province
from tests.certificates import make_certificate
from tests.results import write

DAY = 86_400


def told(registry: Registry, store: EmbeddedStore, now: int, **files: Path) -> dict[str, Notice]:
    named = {f"mqtt.{key}": file for key, file in files.items()}
    return {notice.cause: notice for notice in evaluate(registry, store, now, certificates=named)}


def test_a_certificate_is_told_thirty_days_ahead_once_and_again_when_it_has_ended(
    registry: Registry, store: EmbeddedStore, tmp_path: Path
) -> None:
    file = make_certificate(tmp_path / "own.pem", end=NOW + 31 * DAY)
    assert told(registry, store, NOW, tls_cert=file) == {}
    found = told(registry, store, NOW + 2 * DAY, tls_cert=file)
    assert [(n.cause, n.severity, n.scope) for n in found.values()] == [
        ("certificate/mqtt.tls_cert", "warning", "root")
    ]
    assert "2026-07-02" in found["certificate/mqtt.tls_cert"].title_en
    assert told(registry, store, NOW + 3 * DAY, tls_cert=file) == {}
    evaluate(registry, store, NOW + 40 * DAY, certificates={"mqtt.tls_cert": file})
    (standing,) = registry.alarms.standing()
    assert standing.title_en == "A certificate has ended: mqtt.tls_cert"
    make_certificate(file, end=NOW + 400 * DAY)
    assert told(registry, store, NOW + 41 * DAY, tls_cert=file) == {}
    assert registry.alarms.standing() == []


def test_how_far_ahead_is_a_setting_and_each_file_is_a_cause_of_its_own(
    registry: Registry, store: EmbeddedStore, tmp_path: Path
) -> None:
    ended = make_certificate(tmp_path / "ended.pem", end=NOW - 1)
    soon = make_certificate(tmp_path / "soon.pem", end=NOW + 50 * DAY)
    found = told(registry, store, NOW, tls_cert=ended, tls_client_ca=soon)
    assert {cause: n.severity for cause, n in found.items()} == {"certificate/mqtt.tls_cert": "critical"}
    registry.alarms.set_rule(AlarmRule("certificate", "certificate", 60))
    assert list(told(registry, store, NOW, tls_cert=ended, tls_client_ca=soon)) == ["certificate/mqtt.tls_client_ca"]


def test_a_file_without_certificate_is_told(registry: Registry, store: EmbeddedStore, tmp_path: Path) -> None:
    (notice,) = told(registry, store, NOW, tls_ca=tmp_path / "gone.pem").values()
    assert "gone.pem: No such file" in notice.text_en


def test_a_backup_is_told_when_it_is_older_than_a_week(
    registry: Registry, store: EmbeddedStore, tmp_path: Path
) -> None:
    list(back_up(Settings(home=tmp_path), tmp_path / "copies"))
    made = last_backup(tmp_path)
    assert made is not None
    assert made.folder == str(tmp_path / "copies")
    assert made.size == sum(file.stat().st_size for file in (tmp_path / "copies").rglob("*") if file.is_file())
    assert evaluate(registry, store, made.time + 7 * DAY, home=tmp_path) == []
    (notice,) = [n for n in evaluate(registry, store, made.time + 7 * DAY + 1, home=tmp_path) if n.kind == "backup"]
    assert notice.title_en.startswith("The last backup is of 20")
    note_backup(tmp_path, Backup(made.time + 8 * DAY, "elsewhere", 1))
    evaluate(registry, store, made.time + 8 * DAY, home=tmp_path)
    assert [n.kind for n in registry.alarms.standing()] == []


def test_never_is_told_as_never_and_only_to_who_has_something_to_lose(
    registry: Registry, store: EmbeddedStore, tmp_path: Path
) -> None:
    province(registry)
    registry.alarms.set_rule(AlarmRule("disk", "disk", is_active=False))
    registry.alarms.set_rule(AlarmRule("collector", "collector", is_active=False))
    beat(store, NOW)
    assert evaluate(registry, store, NOW + 7 * DAY - 1, home=tmp_path) == []
    (notice,) = evaluate(registry, store, NOW + 7 * DAY + 1, home=tmp_path)
    assert (notice.cause, notice.title_en) == ("backup/home", "No backup was ever made")


def test_a_year_without_known_holidays_is_told_thirty_days_ahead(registry: Registry, store: EmbeddedStore) -> None:
    year = max(row.date.year for row in work_calendar("CN").rows.values()) + 1
    begins = int(datetime(year, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp())
    assert evaluate(registry, store, begins - 30 * DAY - 1) == []
    (notice,) = evaluate(registry, store, begins - 30 * DAY)
    assert (notice.cause, notice.title_zh) == ("holidays/CN", f"本版本没有 {year} 年节假日")
    assert evaluate(registry, store, begins + DAY) == []
    assert [n.cause for n in registry.alarms.standing()] == ["holidays/CN"]


def test_where_no_holidays_are_known_at_all_none_are_missed(registry: Registry, store: EmbeddedStore) -> None:
    assert evaluate(registry, store, NOW + 10_000 * DAY, zone="Asia/Tokyo") == []


def test_readings_that_do_not_add_up_are_told_until_they_do(registry: Registry, store: EmbeddedStore) -> None:
    def audited(at: int, unaccounted: float, missing: float) -> None:
        found = {"unaccounted": unaccounted, "missing": missing}
        rows = [{"collector": "c1", "reason": name, "time": at, "readings": n} for name, n in found.items()]
        write(store, "ingest", rows)

    audited(NOW, 0.0, 0.0)
    assert evaluate(registry, store, NOW) == []
    audited(NOW + 60, 0.0, 3.0)
    (notice,) = evaluate(registry, store, NOW + 60)
    assert (notice.cause, notice.severity) == ("balance/c1", "critical")
    assert "does not give back 3" in notice.text_en
    audited(NOW + 120, 0.0, 0.0)
    evaluate(registry, store, NOW + 120)
    assert registry.alarms.standing() == []
