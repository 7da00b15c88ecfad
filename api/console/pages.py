"""All pages of the console."""

from __future__ import annotations

from api.console.views import (
    alarms,
    audits,
    breakdowns,
    corrections,
    costs,
    entry,
    findings,
    home,
    institution,
    ledger,
    meter,
    outbox,
    places,
    quality,
    reports,
    rules,
    session,
    targets,
    tasks,
)

VIEWS = tuple(
    module.router
    for module in (
        session, home, alarms, outbox, places, institution, meter, findings, tasks, corrections, quality, entry, audits,
        ledger, costs, targets, rules, breakdowns, reports,
    )
)  # fmt: skip
"""Every router of the console."""
