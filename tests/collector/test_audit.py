"""The auditor says 0 while all adds up, and how many where a reading was lost, in the ledger or in the store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from collector.audit import Audit, Auditor, missing
from collector.health import Health
from collector.ledger import DayCount
from collector.metrics import exposition
from collector.watch import Watch
from energy.registry import Registry
from energy.storage import open_store
from tests.certificates import make_certificate
from tests.collector.test_pipeline import send
from tests.collector.world import NOW, T0, is_drained, message, running, settings_for, until

DAY = 86_400


def test_nothing_is_missing_in_the_ordinary_course(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        send(pipeline, message(*[("e-main", T0 + 900 * n, float(n)) for n in range(40)], ("w-main", T0, 1.0)))
        send(pipeline, message(("e-main", T0, 0.0), ("e-main", T0, 7.0), ("e-main", NOW + 9999, 8.0), ("?", T0, 1.0)))
        until(lambda: is_drained(pipeline))
        auditor = Auditor(pipeline)
        auditor.audit()
        assert auditor.last == Audit(unaccounted=0, missing=0)


def test_a_loss_of_one_meter_is_not_hidden_by_anothers_surplus(tmp_path: Path, registry: Registry) -> None:
    with running(settings_for(tmp_path), registry) as (pipeline, _, _deaths):
        send(pipeline, message(("e-main", T0, 1.0), ("w-main", T0, 3.0)))
        until(lambda: is_drained(pipeline))
        _shift_a_count(pipeline.spool.path)
        auditor = Auditor(pipeline)
        auditor.audit()
        assert auditor.last == Audit(unaccounted=2, missing=1)  # one too few, one too many; the store has one of two
        assert pipeline.unaccounted == 0  # the sum over all meters saw nothing


def _shift_a_count(path: Path) -> None:
    """Say of one stored reading of a meter that it was another's: what no correct program does."""
    from collector import ledger

    with closing(sqlite3.connect(path, isolation_level=None)) as spool:
        counts = ledger.read(spool)
        count = counts.count.copy()
        stored = ledger.KINDS.index("stored")
        count[0, stored], count[1, stored] = 0, 2
        spool.execute("DELETE FROM ledger")
        blob = ledger.Page(counts.key, count).encode(1)
        spool.execute("INSERT INTO ledger (level, data) VALUES (1, ?)", (blob,))


def test_what_the_store_does_not_give_back_is_counted_by_meter_and_day(tmp_path: Path, registry: Registry) -> None:
    settings = settings_for(tmp_path)
    with running(settings, registry) as (pipeline, _, _deaths):
        send(pipeline, message(("e-main", T0, 1.0), ("e-main", T0 + DAY, 2.0), ("e-main", T0 + DAY + 9, 3.0)))
        until(lambda: is_drained(pipeline))
    first = T0 // DAY
    rows = [DayCount("e1", first + day, n, n, 0, 0, 0) for day, n in ((0, 1), (1, 2), (3, 2))]
    with closing(open_store(settings, role="read")) as store:
        assert missing(store, rows[:2]) == 0
        assert missing(store, rows) == 2  # none of the two of the fourth day
        assert missing(store, [DayCount("e2", first, 5, 5, 0, 0, 0)]) == 5


def test_audit_and_what_has_to_be_renewed_are_measured(tmp_path: Path, registry: Registry) -> None:
    settings = settings_for(tmp_path)
    file = make_certificate(tmp_path / "own.pem", end=2_000_000_000)
    settings = settings.model_copy(update={"mqtt": settings.mqtt.model_copy(update={"tls_cert": file})})
    with running(settings, registry) as (pipeline, _, _deaths):
        watch = Watch(pipeline)
        before = exposition(pipeline, Health(pipeline, watch, None)).decode()
        assert "jieneng_audit_readings" not in before  # not audited yet is not zero
        assert "jieneng_backup_exists 0.0" in before
        assert "jieneng_backup_age_seconds" not in before
        watch.auditor.audit()
        text = exposition(pipeline, Health(pipeline, watch, None)).decode()
        assert 'jieneng_audit_readings{difference="missing"} 0.0' in text
        (left,) = [
            line.split()[1] for line in text.splitlines() if line.startswith("jieneng_certificate_seconds_left{")
        ]
        assert 0 < float(left) < 2_000_000_001
