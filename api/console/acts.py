"""What waits for a person: findings, tasks, targets, corrections, silent meters, within what the caller sees."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from api import alarms
from api.console.figures import MeterStatus, TargetState, statuses, target_states
from api.console.frame import Page
from energy.intervals import DAY
from energy.model import MeterKind
from energy.model import Scope as Level
from energy.registry import Correction, Finding, Notice, Target, Task
from energy.registry.alarms import SEVERITIES


def findings(page: Page, *, state: str | None = "open", institution: str | None = None) -> list[Finding]:
    """Visible findings, the dearest first; those without a price by their severity after them."""
    wanted: dict[str, object] = {} if state is None else {"state": state}
    if institution is not None:
        wanted["institution"] = page.scope.institution(institution).id
    found = [f for f in page.ctx.registry.findings.rows(**wanted) if f.institution in page.scope.institutions]
    return sorted(found, key=lambda f: (-(f.excess_yuan or 0.0), -f.severity, -f.start))


def yuan(found: Iterable[Finding]) -> float:
    """Money of findings whose price is known; NaN where none is."""
    known = [f.excess_yuan for f in found if f.excess_yuan is not None]
    return sum(known) if known else math.nan


def tasks(page: Page) -> list[Task]:
    """Visible tasks, those due first before all others."""
    found = [t for t in page.ctx.registry.tasks.rows() if t.institution in page.scope.institutions]
    return sorted(found, key=lambda t: (not t.is_pending, t.deadline, t.id))


def corrections(page: Page, *states: str) -> list[Correction]:
    """Visible corrections in these states (all, if none is named), newest first."""
    wanted = {"state": list(states)} if states else {}
    meters = page.scope.snapshot.meters
    seen = page.scope.institutions
    found = [c for c in page.ctx.registry.corrections.rows(**wanted) if meters[c.meter].institution in seen]
    return sorted(found, key=lambda c: -c.time)


def targets(page: Page, **wanted: object) -> list[Target]:
    """Visible targets."""
    return [t for t in page.ctx.registry.targets.rows(**wanted) if page.scope.sees(t.scope, t.id)]


def notices(page: Page, *states: str) -> list[Notice]:
    """Visible notices in these states, the gravest first, then the newest."""
    found = alarms.inbox(page.ctx.registry, page.scope, states=states)
    return sorted(found, key=lambda notice: (-SEVERITIES.index(notice.severity), -notice.opened))


@dataclass(frozen=True, slots=True)
class Today:
    """What needs the caller today."""

    findings: list[Finding]
    targets: list[TargetState]
    tasks: list[Task]
    silent: dict[str, MeterStatus]
    corrections: list[Correction]
    proposed: list[Target]
    parked: dict[str, int]


def today(page: Page) -> Today:
    """Everything that waits, most pressing first."""
    scope, day = page.scope, page.ctx.today()
    warned = [s for s in target_states(page, Level.INSTITUTION, scope.institutions) if s.stage >= 0.8 or s.outlook >= 2]
    issued = {(t.scope, t.id, t.indicator, t.caliber) for t in targets(page, year=day.year, state="issued")}
    proposed = [
        t
        for t in targets(page, year=day.year, state="proposed")
        if (t.scope, t.id, t.indicator, t.caliber) not in issued
    ]
    return Today(
        findings=findings(page),
        targets=warned,
        tasks=[t for t in tasks(page) if t.is_pending],
        silent=silent(page),
        corrections=corrections(page, "proposed"),
        proposed=proposed,
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
