"""What waits for a person: findings, tasks, targets, corrections, silent meters, within what the caller sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from api import alarms
from api.console.figures import MeterStatus, TargetState, statuses, target_states
from api.console.frame import Page
from api.console.paging import is_match
from api.stored import Shown
from energy.intervals import DAY
from energy.model import Meter, MeterKind
from energy.model import Scope as Level
from energy.registry import Correction, Finding, Notice, Target, Task, Version
from energy.registry.targets import Pair
from energy.registry.tasks import PENDING

T = TypeVar("T")
FEW: Final = 5
"""Rows of a list that a page shows beside other things."""


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """The first few of many, and how many there are."""

    first: list[T]
    total: int


def few(shown: Shown[T]) -> Some[T]:
    """The first of what a list holds, read and counted by the database."""
    return Some(*shown.part(0, FEW))


def findings(page: Page, *, words: str = "", **wanted: object) -> Shown[Finding]:
    """Visible findings, the worthiest first: by yuan x certainty, whether too much was used or too little.

    Each of the `words` stands in the title or the name of the institution or meter.
    """
    rows = page.ctx.registry.findings.worthiest(**wanted)
    if not words.strip():
        return Shown(rows, ("institution",), page.scope.institutions.__contains__)

    def sees(institution: str, meter: str, zh: str, en: str) -> bool:
        if institution not in page.scope.institutions:
            return False
        names = (page.put.name(page.scope.institution(institution)), page.place_of(meter) if meter else "")
        return is_match(words, f"{zh} {en}", *names)

    return Shown(rows, ("institution", "meter", "title_zh", "title_en"), sees)


def tasks(page: Page, **wanted: object) -> list[Task]:
    """Visible tasks, those due first before all others."""
    found = [t for t in page.ctx.registry.tasks.rows(**wanted) if t.institution in page.scope.institutions]
    return sorted(found, key=lambda t: (not t.is_pending, t.deadline, t.id))


def corrections(page: Page, **wanted: object) -> Shown[Correction]:
    """Visible corrections, newest first."""
    rows = page.ctx.registry.corrections.listing("-time", "meter", "start", "kind", **wanted)
    return Shown(rows, ("meter",), lambda name: page.scope.sees("meter", name))


def targets(page: Page, **wanted: object) -> list[Target]:
    """Visible targets of the few things that are named."""
    return [t for t in page.ctx.registry.targets.rows(**wanted) if page.scope.sees(t.scope, t.id)]


def pairs(page: Page, year: int, *, words: str = "", **wanted: object) -> Shown[Pair]:
    """What has a target of a year, those that wait to be issued first; `words` stand in the name of the place."""

    def sees(level: str, identity: str) -> bool:
        return page.scope.sees(level, identity) and is_match(words, place_name(page, level, identity))

    return Shown(page.ctx.registry.targets.pairs(year, **wanted), ("scope", "id"), sees)


def breakdowns(page: Page, **wanted: object) -> Shown[Version]:
    """Visible versions of break-downs, newest first."""
    return Shown(page.ctx.registry.breakdowns.listing(**wanted), ("scope", "id"), page.scope.sees)


def place_name(page: Page, level: str, identity: str) -> str:
    """Name of a visible region, institution or building."""
    place = page.scope.find(level, identity)
    assert not isinstance(place, Meter)  # targets and their parts are of places
    return page.put.name(place, identity)


def warned(page: Page) -> list[TargetState]:
    """Targets of institutions that reached a stage or are expected to pass, those furthest over first."""
    states = target_states(page, Level.INSTITUTION, page.scope.institutions)
    return [s for s in states if s.stage >= 0.8 or s.outlook >= 2]


def notices(page: Page, *states: str) -> Shown[Notice]:
    """Visible notices in these states, the gravest first, then the newest."""
    return alarms.listing(page.ctx.registry, page.scope, *states, gravest_first=True)


@dataclass(frozen=True, slots=True)
class Today:
    """What needs the caller today."""

    findings: Some[Finding]
    yuan: float
    targets: list[TargetState]
    tasks: list[Task]
    silent: dict[str, MeterStatus]
    n_corrections: int
    n_proposed: int
    n_breakdowns: int
    parked: dict[str, int]


def today(page: Page) -> Today:
    """Everything that waits, most pressing first."""
    found = findings(page, state="open")
    return Today(
        findings=few(found),
        yuan=found.gain("excess_yuan"),
        targets=warned(page),
        tasks=tasks(page, state=PENDING),
        silent=silent(page),
        n_corrections=corrections(page, state="proposed").total,
        n_proposed=pairs(page, page.ctx.today().year, issued=0).total,
        n_breakdowns=breakdowns(page, state="proposed").total,
        parked=by_reason(parked(page, 1)),
    )


def silent(page: Page) -> dict[str, MeterStatus]:
    """Metering devices that have not been heard for more than a day, longest first."""
    meters = [m.id for m in page.scope.meters() if m.kind is MeterKind.PHYSICAL]
    found = {name: s for name, s in statuses(page, meters).items() if s.state >= 2}
    return dict(sorted(found.items(), key=lambda pair: pair[1].last_seen_s))


def parked(page: Page, days: int) -> dict[str, Counter[str]]:
    """Readings that lie parked and came in the last days: by institution and reason, most first.

    What names no gateway of the ledger belongs to nobody (""), and is told to those who see everything.
    """
    gateways, scope = page.scope.snapshot.gateways, page.scope
    found: dict[str, Counter[str]] = {}
    for gateway, reason, n in page.ctx.parked(page.ctx.now() - days * DAY):
        owner = gateways[gateway].institution if gateway in gateways else ""
        if owner in scope.institutions or (not owner and scope.is_whole):
            found.setdefault(owner, Counter())[reason] += n
    return found


def by_reason(found: Mapping[str, Counter[str]]) -> dict[str, int]:
    """The same of all institutions together."""
    return dict(sum(found.values(), Counter[str]()).most_common())
