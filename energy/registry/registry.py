"""The registry: who and where, in SQL. One object an installation; several processes may hold one each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

from sqlalchemy import Connection, select, update

from energy.errors import NotInRegistry
from energy.registry import breakdowns, credentials, decided, fitted, importing, removing, snapshot, touched
from energy.registry.accounts import Accounts
from energy.registry.alarms import Alarms
from energy.registry.breakdowns import Breakdowns
from energy.registry.consequences import touched_by
from energy.registry.database import Database, lock_counters
from energy.registry.decisions import (
    ApprovedQuota,
    Bill,
    CalorificValue,
    Correction,
    HeatingSeason,
    Run,
    Stage,
    TargetRule,
    Tariff,
    TariffUse,
)
from energy.registry.findings import Findings
from energy.registry.fitted import FittedModel
from energy.registry.importing import Change, ImportResult, Sheets
from energy.registry.migrate import require_head, upgrade
from energy.registry.reporting import Reporting
from energy.registry.repository import Repository
from energy.registry.rows import Gateway
from energy.registry.sessions import Sessions
from energy.registry.sheets import EXPORTED, SHEETS
from energy.registry.snapshot import Snapshot
from energy.registry.tables import GatewayRow, RevisionRow
from energy.registry.targets import Targets
from energy.registry.tasks import Tasks
from energy.registry.tokens import Tokens
from energy.registry.touched import Spans, Touched


class Registry:
    """Reads and changes of the registry; each method is one transaction, and safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.corrections = Repository(database, decided.CORRECTIONS, Correction)
        self.bills = Repository(database, decided.BILLS, Bill)
        self.tariffs = Repository(database, decided.TARIFFS, Tariff)
        self.tariff_uses = Repository(database, decided.TARIFF_USES, TariffUse)
        self.calorific_values = Repository(database, decided.CALORIFIC_VALUES, CalorificValue)
        self.heating_seasons = Repository(database, decided.HEATING_SEASONS, HeatingSeason)
        self.quotas = Repository(database, decided.QUOTAS, ApprovedQuota)
        self.targets = Targets(database)
        self.breakdowns = Breakdowns(database)
        self.target_rules = Repository(database, decided.TARGET_RULES, TargetRule)
        self.stages = Repository(database, decided.STAGES, Stage)
        self.runs = Repository(database, decided.RUNS, Run)
        self.findings = Findings(database)
        self.tasks = Tasks(database)
        self.accounts = Accounts(database)
        self.sessions = Sessions(database)
        self.tokens = Tokens(database)
        self.alarms = Alarms(database)
        self.reporting = Reporting(database)

    @classmethod
    def open(cls, url: str, *, migrate: bool = False) -> Self:
        """The registry of a URL; SchemaOutdated if its schema is another, unless `migrate` may upgrade it.

        A SQLite file is copied before an upgrade, and made if it does not exist.
        """
        database = Database(url)
        try:
            upgrade(database) if migrate else require_head(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Release connections."""
        self._database.close()

    def revision(self) -> int:
        """Rises with every committed change of what a snapshot shows; cheap enough to ask each second."""
        with self._database.reading() as connection:
            return int(connection.execute(select(RevisionRow.number)).scalar_one())

    def snapshot(self) -> Snapshot:
        """Everything about who and where, at one instant."""
        with self._database.reading() as connection:
            return snapshot.take(connection)

    def gateways(self) -> Mapping[str, Gateway]:
        """The gateways with the hashes of their secrets: all that a door has to know, at a hundredth of a snapshot."""
        with self._database.reading() as connection:
            return snapshot.gateways(connection)

    def import_sheets(self, sheets: Sheets, *, dry_run: bool = False) -> ImportResult:
        """Take all rows or none; ImportRefused lists every problem. The same sheets again change nothing.

        With `dry_run` the answer is the same and nothing is kept.
        """
        with self._database.writing() as connection:
            lock_counters(connection)
            changes, unchanged = importing.merge(connection, sheets)
            breakdowns.require_kept(connection, changes)
            if changes and not dry_run:
                _keep(connection, changes)
            number = int(connection.execute(select(RevisionRow.number)).scalar_one())
        return ImportResult(
            revision=number,
            added=Counter(change.sheet for change in changes if change.before is None),
            changed=Counter(change.sheet for change in changes if change.before is not None),
            unchanged=unchanged,
        )

    def issue_target(self, row: Mapping[str, object], *, author: str, time: int) -> None:
        """Take one issued target, judged as an import would; the reserve of its break-down takes the difference."""
        with self._database.writing() as connection:
            lock_counters(connection)
            changes, _ = importing.merge(connection, {"targets": [row]})
            self.breakdowns.settle(connection, changes, author=author, time=time)
            _keep(connection, changes)

    def export_sheets(self, *names: str) -> dict[str, list[dict[str, str | int | float | None]]]:
        """All rows of the sheets named (of all but the runs, if none is), ready for `write_sheets` or an import."""
        with self._database.reading() as connection:
            return {
                name: [SHEETS[name].show(row) for _, row in sorted(importing.load(connection, SHEETS[name]).items())]
                for name in names or EXPORTED
            }

    def remove_rows(self, sheet: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Take out dated rows that were stated in error, named by their key columns; how many that were.

        An import deletes nothing, and what others refer to (a meter, an institution ...) stays for ever.
        """
        with self._database.writing() as connection:
            lock_counters(connection)
            removed = removing.remove(connection, sheet, rows)
            touched.add(connection, Spans.of(touched_by(removed)))
            _raise_revision(connection)
        return len(removed)

    def issue_credential(self, gateway: str) -> str:
        """A new secret of a gateway, to be shown once: only its hash is kept, an older secret is void."""
        secret = credentials.new_secret()
        self._set_secret(gateway, credentials.secret_hash(secret.encode()))
        return secret

    def revoke_credential(self, gateway: str) -> None:
        """The gateway has no credential any more."""
        self._set_secret(gateway, None)

    def mark_touched(self, marks: Sequence[Touched]) -> None:
        """Note that something changed in these spans; kept until the jobs have computed them."""
        self.mark_spans(Spans.of(marks))

    def mark_spans(self, spans: Spans) -> None:
        """The same by column, for many meters at once."""
        with self._database.writing() as connection:
            touched.add(connection, spans)

    def touched_epoch(self) -> int:
        """Rises whenever the jobs take the marks: a mark written in an older epoch may be gone."""
        with self._database.reading() as connection:
            return int(connection.execute(select(RevisionRow.touched_epoch)).scalar_one())

    def take_touched(self) -> tuple[int, list[Touched]]:
        """Begin a new epoch; all marks of older ones. They stay until `forget_touched(epoch)`."""
        with self._database.writing() as connection:
            return touched.take(connection)

    def touched_since(self, epoch: int) -> set[str]:
        """Meters that were marked since `take_touched` began this epoch."""
        with self._database.reading() as connection:
            return touched.since(connection, epoch)

    def touched_pending(self) -> int:
        """How many marks wait for the jobs or are being worked on; 0 means that every result is up to date."""
        with self._database.reading() as connection:
            return touched.pending(connection)

    def forget_touched(self, epoch: int) -> None:
        """Drop the marks that `take_touched` gave with this epoch: they are computed."""
        with self._database.writing() as connection:
            touched.forget(connection, epoch)

    def save_models(self, models: Sequence[FittedModel]) -> list[int]:
        """Keep fitted models in one transaction; their versions. Saving the newest one again gives it no new one."""
        with self._database.writing() as connection:
            lock_counters(connection)
            return fitted.save(connection, models)

    def models(
        self, kind: str, subjects: Sequence[str] | None = None, *, version: int | None = None
    ) -> dict[str, FittedModel]:
        """By subject, the newest model of a kind, or the one of a version; subjects without one are absent."""
        with self._database.reading() as connection:
            return fitted.load(connection, kind, subjects, version)

    def _set_secret(self, gateway: str, secret_sha256: str | None) -> None:
        with self._database.writing() as connection:
            lock_counters(connection)
            change = update(GatewayRow).where(GatewayRow.id == gateway).values(secret_sha256=secret_sha256)
            if connection.execute(change).rowcount == 0:
                raise NotInRegistry(f"gateway {gateway!r} is not in the registry: import it first")
            _raise_revision(connection)


def _keep(connection: Connection, changes: Sequence[Change]) -> None:
    importing.write(connection, changes)
    touched.add(connection, Spans.of(touched_by(changes)))
    _raise_revision(connection)


def _raise_revision(connection: Connection) -> None:
    connection.execute(update(RevisionRow).values(number=RevisionRow.number + 1))
