"""Break-downs (分解) of targets, kept version by version: who divided what, when, why, and who approved it.

A version states all parts and the reserve; it is proposed by one person, approved by another and never changed.
Approving it issues its parts as targets of their own. A part that is itself broken down takes the difference into or
out of its own reserve, in the same transaction, so that sums hold at every level at every time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from energy.breakdown import Breakdown
from energy.errors import BreakdownRefused, ImportRefused, NotInRegistry
from energy.registry.breakdown_tables import BreakdownPartRow, BreakdownRow
from energy.registry.columns import table_of
from energy.registry.database import Database, lock_counters
from energy.registry.decisions import Target
from energy.registry.importing import Change
from energy.registry.paging import Listing
from energy.registry.targets import Targets

Act = Literal["approve", "refuse"]
LARGEST: Final = Decimal(10**12)
STEP: Final = Decimal("0.001")
"""Amounts have at most 15 digits in all, which a double of the database gives back exactly."""
_VERSIONS: Final = table_of(BreakdownRow)
_PARTS: Final = table_of(BreakdownPartRow)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose target of what."""

    scope: str
    id: str
    year: int
    indicator: str
    caliber: str

    @classmethod
    def of(cls, row: Any) -> Subject:
        """The subject that a row speaks of, be it read or about to be written."""
        named: dict[str, Any] = {
            field.name: row[field.name] if isinstance(row, Mapping) else getattr(row, field.name)
            for field in fields(cls)
        }
        return cls(**named)

    def part(self, name: str) -> Subject:
        """The same of one part, named like `building:b1`."""
        scope, _, identity = name.partition(":")
        return replace(self, scope=scope, id=identity)

    @property
    def name(self) -> str:
        """What it is called as a part."""
        return f"{self.scope}:{self.id}"


@dataclass(frozen=True, slots=True)
class Version:
    """The head of one version; `base` is the number of the version it was made from, 0 for the first."""

    breakdown: str
    scope: str
    id: str
    year: int
    indicator: str
    caliber: str
    number: int
    base: int
    total: Decimal
    reserve: Decimal
    state: str  # proposed | active | replaced | refused
    author: str
    time: int
    reason: str
    decided_by: str = ""
    decided: int | None = None

    @property
    def passed_on(self) -> Decimal:
        """What its parts get together."""
        return self.total - self.reserve


def version_id(subject: Subject, number: int) -> str:
    """Id of a version, the same wherever it is made."""
    return hashlib.sha256(repr((subject, number)).encode()).hexdigest()[:24]


def exact(amount: float) -> Decimal:
    """A stored or stated amount as the decimal number that people wrote."""
    number = float(amount)
    return Decimal(int(number)) if number.is_integer() else Decimal(repr(number))


class Breakdowns:
    """Versions and their parts; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._targets = Targets(database)

    def listing(self, **wanted: object) -> Listing[Version]:
        """Versions page by page, newest first."""
        return Listing(self._database, _VERSIONS, _version, ("-time", "breakdown"), wanted)

    def history(self, subject: Subject) -> list[Version]:
        """Every version of one break-down, first to last."""
        with self._database.reading() as connection:
            return _read(connection, _is_of(subject))

    def standing(self, ids: Collection[str], year: int) -> list[Version]:
        """What holds or waits for approval, of the targets of these ids."""
        wanted = and_(_VERSIONS.c.id.in_(ids), _VERSIONS.c.year == year, _VERSIONS.c.state.in_(("active", "proposed")))
        with self._database.reading() as connection:
            return _read(connection, wanted)

    def one(self, breakdown: str) -> Version:
        """A version by its id."""
        with self._database.reading() as connection:
            return _one(connection, breakdown)

    def splits(self, versions: Iterable[Version]) -> dict[str, Breakdown]:
        """Parts and reserve by version."""
        with self._database.reading() as connection:
            return {version.breakdown: _split(connection, version) for version in versions}

    def propose(self, subject: Subject, split: Breakdown, *, author: str, time: int, reason: str) -> Version:
        """Propose how a target is divided; BreakdownRefused where it is not the issued one, or not in exact steps."""
        _require_steps(split)
        with self._database.writing() as connection:
            lock_counters(connection)
            _require_whole(self._issued(connection, subject), split.total)
            return _add(connection, subject, split, "proposed", author=author, time=time, reason=reason)

    def decide(self, breakdown: str, act: Act, *, author: str, time: int, today: date) -> Version:
        """Approve a proposed version, which issues its parts, or refuse it."""
        with self._database.writing() as connection:
            lock_counters(connection)
            version = _one(connection, breakdown)
            if version.state != "proposed":
                raise BreakdownRefused(f"expected a break-down that is proposed to {act} it, it is {version.state}")
            if act == "approve":
                self._issue_parts(connection, version, author=author, time=time, today=today)
            state = "active" if act == "approve" else "refused"
            _set(connection, breakdown, state=state, decided_by=author, decided=time)
            return _one(connection, breakdown)

    def settle(self, connection: Connection, changes: Sequence[Change], *, author: str, time: int) -> None:
        """Let reserves follow wholes that were issued anew; BreakdownRefused for a target that is somebody's part."""
        for change in _issued_anew(changes):
            subject = Subject.of(change.after)
            _require_no_part(connection, subject)
            reason = str(change.after["document"])
            _follow(connection, subject, exact(change.after["value"]), author=author, time=time, reason=reason)

    def _issue_parts(self, connection: Connection, version: Version, *, author: str, time: int, today: date) -> None:
        subject = Subject.of(version)
        before, after = _active(connection, subject), _split(connection, version)
        if version.base != (before.number if before else 0):
            raise BreakdownRefused(
                f"proposed on version {version.base}, version {before.number if before else 0} holds now: propose anew"
            )
        whole = self._issued(connection, subject)
        _require_whole(whole, version.total)
        had = _split(connection, before).parts if before else {}
        for name in {**had, **after.parts}:
            part, amount = subject.part(name), after.parts.get(name)
            if name not in had:
                _require_no_part(connection, part)
            if amount is None:
                self._take_back(connection, part)
            elif amount != had.get(name):
                issued = Target(
                    part.scope, part.id, part.year, part.indicator, part.caliber, "issued", float(amount), whole.unit,
                    document=whole.document, date=today, approved_by=author, note=version.reason,
                )  # fmt: skip
                self._targets._put(connection, [issued])
                _follow(connection, part, amount, author=author, time=time, reason=version.reason)
        if before:
            _set(connection, before.breakdown, state="replaced")

    def _issued(self, connection: Connection, subject: Subject) -> Target:
        wanted = {field.name: getattr(subject, field.name) for field in fields(subject)}
        found = self._targets._read(connection, wanted | {"state": "issued"})
        if not found:
            raise BreakdownRefused(f"{subject.name}: only an issued target can be broken down, none is issued")
        return found[0]

    def _take_back(self, connection: Connection, part: Subject) -> None:
        if _active(connection, part) is not None:
            raise BreakdownRefused(f"{part.name} has passed its part on: it can be changed, not left out")
        table = self._targets._sheet.table
        same = (table.c[field.name] == getattr(part, field.name) for field in fields(part))
        connection.execute(table.delete().where(and_(*same, table.c.state == "issued")))


def require_kept(connection: Connection, changes: Sequence[Change]) -> None:
    """ImportRefused where a file changes an issued target that is broken down, or is a part of another."""
    problems = []
    for change in _issued_anew(changes):
        subject = Subject.of(change.after)
        active = _active(connection, subject)
        if active is not None and active.total != exact(change.after["value"]):
            problems.append(
                f"sheet targets: {subject.name} is broken down: expected {active.total}, issue it by itself"
            )
        try:
            _require_no_part(connection, subject)
        except BreakdownRefused as exc:
            problems.append(f"sheet targets: {exc}")
    if problems:
        raise ImportRefused(problems)


def _issued_anew(changes: Sequence[Change]) -> Iterable[Change]:
    for change in changes:
        is_new = change.before is None or change.before.get("value") != change.after.get("value")
        if change.sheet == "targets" and change.after["state"] == "issued" and is_new:
            yield change


def _require_no_part(connection: Connection, subject: Subject) -> None:
    same = and_(*(_VERSIONS.c[name] == getattr(subject, name) for name in ("year", "indicator", "caliber")))
    holder = (
        select(_VERSIONS.c.scope, _VERSIONS.c.id)
        .join(_PARTS, _PARTS.c.breakdown == _VERSIONS.c.breakdown)
        .where(_VERSIONS.c.state == "active", same, _PARTS.c.scope == subject.scope, _PARTS.c.id == subject.id)
    )
    found = connection.execute(holder).first()
    if found is not None:
        raise BreakdownRefused(
            f"{subject.name} is a part of the target of {found.scope}:{found.id}: change the break-down there"
        )


def _require_whole(target: Target, total: Decimal) -> None:
    if exact(target.value) != total:
        raise BreakdownRefused(
            f"expected a break-down of the issued {exact(target.value)}, came one of {total}: propose anew"
        )


def _require_steps(split: Breakdown) -> None:
    for name, amount in {"the target": split.total, **split.parts, "the reserve": split.reserve}.items():
        if amount >= LARGEST or amount % STEP:
            raise BreakdownRefused(f"{name}: expected less than {LARGEST} in steps of {STEP}, came {amount}")
    nothing = [name for name, amount in split.parts.items() if amount == 0]
    if nothing:
        raise BreakdownRefused(f"expected parts above 0, or left out: {', '.join(nothing)}")


def _follow(connection: Connection, subject: Subject, whole: Decimal, *, author: str, time: int, reason: str) -> None:
    """The reserve of a break-down takes what its whole won or lost; what was passed on stays."""
    active = _active(connection, subject)
    if active is None or active.total == whole:
        return
    if whole < active.passed_on:
        raise BreakdownRefused(
            f"{subject.name} has passed on {active.passed_on} of {active.total}: expected at least that, came {whole}; "
            "take parts back there first"
        )
    split = Breakdown(whole, _split(connection, active).parts, whole - active.passed_on)
    _require_steps(split)
    made = _add(connection, subject, split, "active", author=author, time=time, reason=reason)
    _set(connection, made.breakdown, decided_by=author, decided=time)
    _set(connection, active.breakdown, state="replaced")


def _add(
    connection: Connection, subject: Subject, split: Breakdown, state: str, *, author: str, time: int, reason: str
) -> Version:
    active = _active(connection, subject)
    number = connection.execute(select(func.max(_VERSIONS.c.number)).where(_is_of(subject))).scalar() or 0
    version = Version(
        version_id(subject, number + 1), subject.scope, subject.id, subject.year, subject.indicator, subject.caliber,
        number + 1, active.number if active else 0, split.total, split.reserve, state, author, time, reason,
    )  # fmt: skip
    row = {field.name: getattr(version, field.name) for field in fields(version)}
    amounts = {"total": float(version.total), "reserve": float(version.reserve)}
    connection.execute(insert(_VERSIONS).values(row | amounts))
    parts = [(subject.part(name), float(amount)) for name, amount in split.parts.items()]
    rows = [{"breakdown": version.breakdown, "scope": p.scope, "id": p.id, "amount": amount} for p, amount in parts]
    if rows:
        connection.execute(insert(_PARTS), rows)
    return version


def _set(connection: Connection, breakdown: str, **values: object) -> None:
    connection.execute(update(_VERSIONS).where(_VERSIONS.c.breakdown == breakdown).values(**values))


def _active(connection: Connection, subject: Subject) -> Version | None:
    return next(iter(_read(connection, _is_of(subject), _VERSIONS.c.state == "active")), None)


def _one(connection: Connection, breakdown: str) -> Version:
    found = _read(connection, _VERSIONS.c.breakdown == breakdown)
    if not found:
        raise NotInRegistry(f"break-down {breakdown!r} is not known here")
    return found[0]


def _read(connection: Connection, *conditions: ColumnElement[bool]) -> list[Version]:
    statement = select(_VERSIONS).where(*conditions).order_by(_VERSIONS.c.id, _VERSIONS.c.number)
    return [_version(row._asdict()) for row in connection.execute(statement)]


def _split(connection: Connection, version: Version) -> Breakdown:
    statement = select(_PARTS).where(_PARTS.c.breakdown == version.breakdown).order_by(_PARTS.c.scope, _PARTS.c.id)
    parts = {f"{row.scope}:{row.id}": exact(row.amount) for row in connection.execute(statement)}
    return Breakdown(version.total, parts, version.reserve)


def _version(row: Mapping[str, Any]) -> Version:
    return Version(**{**row, "total": exact(row["total"]), "reserve": exact(row["reserve"])})


def _is_of(subject: Subject) -> ColumnElement[bool]:
    return and_(*(_VERSIONS.c[field.name] == getattr(subject, field.name) for field in fields(subject)))
