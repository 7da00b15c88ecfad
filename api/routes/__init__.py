"""One module a noun."""

from __future__ import annotations

from api.routes import (
    accounts,
    alarms,
    bills,
    breakdowns,
    consumption,
    corrections,
    exchange,
    findings,
    judgement,
    notices,
    operation,
    outbox,
    places,
    reports,
    series,
    session,
    targets,
)

NOUNS = tuple(
    module.router
    for module in (
        session, places, consumption, series, judgement, targets, breakdowns, findings, notices, alarms, outbox,
        corrections, bills, reports, exchange, operation, accounts,
    )
)  # fmt: skip
"""Every router of the API, in the order of its page."""

PAGES = session.pages
"""What a browser asks for on its way in and out."""
