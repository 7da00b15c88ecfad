"""Every page and every form of the console, who may use it, and how the thing it speaks of is named.

As `tests/api/matrix.py`; a route that names things in several ways has a row for each.
"""

from __future__ import annotations

from typing import Any, Final

from api.scope import Action
from tests.api.matrix import READ, Entry

_PDF: Final = ("proof.pdf", b"%PDF-1.4 proof")
_SPAN: Final = {"start": "2025-03-03T00:00", "end": "2025-03-03T01:00"}
_TARGET: Final = {"year": "2025", "indicator": "electricity_per_area", "caliber": "physical"}


def _correction(meter: str) -> dict[str, Any]:
    return {"meter": meter, "kind": "discard", "reason": "matrix", **_SPAN}


def _bill(meter: str) -> dict[str, Any]:
    return {
        "meter": meter, "first_day": "2025-05-01", "last_day": "2025-05-20", "amount": "5", "unit": "m3",
        "confirmed": "true",
    }  # fmt: skip


def _reading(meter: str) -> dict[str, Any]:
    return {"meter": meter, "at": "2025-03-04T10:00", "value": "12.5"}


def _swap(meter: str) -> dict[str, Any]:
    return {"at": "2025-03-04T10:00", "new_start": "0"}


def _task(institution: str) -> dict[str, Any]:
    return {
        "institution": institution, "kind": "rectify", "problem": "matrix", "responsible": "x",
        "deadline": "2025-09-01",
    }  # fmt: skip


def _issue(institution: str) -> dict[str, Any]:
    return {
        "scope": "institution", "id": institution, "value": "90", "document": "matrix", "issued_on": "2025-07-01",
        **_TARGET,
    }  # fmt: skip


def _proposal(institution: str) -> dict[str, Any]:
    return {"id": institution, "value": "90", **_TARGET}


def _rule(institution: str) -> dict[str, Any]:
    return {
        "institution": institution, "indicator": "electricity_per_area", "caliber": "physical",
        "rule": "four_branches", "valid_from": "2025-01-01",
    }  # fmt: skip


def _energy(institution: str) -> dict[str, Any]:
    return {
        "scope": "institution", "id": institution, "year": "2025", "indicator": "energy",
        "caliber": "gb2589_equivalent_value", "reason": "matrix", "part": f"building:{institution}-b",
    }  # fmt: skip


def _quota(_: str) -> dict[str, Any]:
    return {
        "region": "990000", "standard": "matrix", "institution_type": "01", "constraint": "90", "source": "matrix",
        "valid_from": "2025-01-01", "indicator": "electricity_per_area", "caliber": "physical",
    }  # fmt: skip


def _subscription(institution: str) -> dict[str, Any]:
    return {"channel": "wecom", "address": "robot", "node": f"institution:{institution}"}


PAGES: Final[tuple[tuple[str, str, Entry], ...]] = (
    ("GET", "/", Entry(READ)),
    ("GET", "/alarms", Entry(READ)),
    ("POST", "/alarms/notices/acts", Entry(Action.JUDGE, "notice", form=lambda notice: {"notice": notice})),
    ("POST", "/alarms/notices/{notice}/acts", Entry(Action.JUDGE, "notice", form=lambda _: {"act": "close"})),
    ("POST", "/alarms/subscriptions", Entry(READ, "institution", form=_subscription)),
    ("POST", "/alarms/subscriptions/{subscription}/test", Entry(Action.ADMINISTER, "subscription", lacking=404)),
    ("POST", "/alarms/subscriptions/{subscription}/remove", Entry(Action.ADMINISTER, "subscription", lacking=404)),
    (
        "POST",
        "/alarms/rules/{rule}",
        Entry(Action.ADMINISTER, form=lambda _: {"severity": "info"}, root_only=True, parts={"rule": "silent"}),
    ),
    ("GET", "/alarms/outbox", Entry(Action.OPERATE, root_only=True)),
    ("POST", "/alarms/outbox/retry", Entry(Action.OPERATE, form=lambda _: {}, root_only=True)),
    ("GET", "/places", Entry(READ)),
    ("GET", "/places", Entry(READ, "region", {"region": "{}"})),
    ("GET", "/places.{form}", Entry(READ, parts={"form": "csv"})),
    ("GET", "/places.{form}", Entry(READ, "region", {"region": "{}"}, parts={"form": "csv"})),
    ("GET", "/institutions/{institution}", Entry(READ, "institution")),
    ("GET", "/meters/{meter}", Entry(READ, "meter")),
    ("POST", "/meters/{meter}/swaps", Entry(Action.CORRECT, "meter", form=_swap)),
    ("GET", "/findings", Entry(READ)),
    ("GET", "/findings", Entry(READ, "institution", {"institution": "{}"})),
    ("GET", "/findings/{finding}", Entry(READ, "finding")),
    ("POST", "/findings/{finding}/decisions", Entry(Action.JUDGE, "finding", form=lambda _: {"comment": "matrix"})),
    ("GET", "/tasks", Entry(READ, query={"state": "all"})),
    ("GET", "/tasks/new", Entry(Action.JUDGE)),
    ("GET", "/tasks/new", Entry(Action.JUDGE, "institution", {"institution": "{}"})),
    ("GET", "/tasks/new", Entry(Action.JUDGE, "finding", {"finding": "{}"})),
    ("POST", "/tasks", Entry(Action.JUDGE, "institution", form=_task)),
    ("POST", "/tasks", Entry(Action.JUDGE, "finding", form=lambda f: _task("own") | {"finding": f})),
    ("GET", "/tasks/{task}", Entry(READ, "task")),
    (
        "POST",
        "/tasks/{task}/acts",
        Entry(Action.JUDGE, "task", form=lambda _: {"act": "withdraw"}, thing_first=True),
    ),
    (
        "POST",
        "/tasks/{task}/acts",
        Entry(Action.JUDGE, "task", form=lambda _: {"act": "note", "text": "matrix"}, or_action=Action.CORRECT,
              thing_first=True),
    ),
    (
        "POST",
        "/tasks/{task}/files",
        Entry(Action.JUDGE, "task", files={"file": _PDF}, or_action=Action.CORRECT, thing_first=True),
    ),
    ("GET", "/tasks/{task}/files/{number}", Entry(READ, "task", parts={"number": "1"})),
    ("GET", "/corrections", Entry(READ)),
    ("GET", "/corrections/new", Entry(Action.CORRECT, "meter", {"meter": "{}", **_SPAN})),
    ("POST", "/corrections", Entry(Action.CORRECT, "meter", form=_correction)),
    ("POST", "/corrections/{correction}/{act}", Entry(Action.APPROVE, "correction", parts={"act": "undo"})),
    ("GET", "/quality", Entry(READ)),
    ("GET", "/entry", Entry(Action.BILL)),
    ("GET", "/entry", Entry(Action.BILL, "institution", {"institution": "{}"})),
    ("POST", "/entry/bills", Entry(Action.BILL, "billed", form=_bill)),
    ("POST", "/entry/readings", Entry(Action.BILL, "meter", form=_reading)),
    ("GET", "/audits", Entry(READ)),
    ("GET", "/audits", Entry(READ, "institution", {"institution": "{}"})),
    ("GET", "/ledger", Entry(Action.IMPORT)),
    ("GET", "/costs", Entry(READ)),
    ("GET", "/targets", Entry(READ, query={"year": "2025"})),
    ("POST", "/targets", Entry(Action.APPROVE, "institution", form=_issue)),
    ("POST", "/targets/proposals", Entry(Action.CORRECT, "institution", form=_proposal)),
    (
        "GET",
        "/targets/{level}/{id}/{year}/{indicator}/{caliber}/paper",
        Entry(READ, "institution", parts={"level": "institution", **_TARGET}),
    ),
    ("GET", "/targets/rules", Entry(READ)),
    ("POST", "/targets/rules", Entry(Action.APPROVE, "institution", form=_rule)),
    ("GET", "/targets/breakdowns", Entry(READ, query={"year": "2025"})),
    (
        "GET",
        "/targets/breakdowns/{level}/{id}/{year}/{indicator}/{caliber}",
        Entry(
            READ, "institution", parts={"level": "institution", "year": "2025", "indicator": "energy",
                                        "caliber": "gb2589_equivalent_value"},
        ),
    ),
    (
        "POST",
        "/targets/breakdowns",
        Entry(Action.CORRECT, "institution", form=lambda i: _energy(i) | {"amount": "90", "reserve": "10"}),
    ),
    (
        "POST",
        "/targets/breakdowns/changes",
        Entry(Action.CORRECT, "institution", form=lambda i: _energy(i) | {"amount": "80"}),
    ),
    ("POST", "/targets/breakdowns/{breakdown}/{act}", Entry(Action.APPROVE, "breakdown", parts={"act": "approve"})),
    ("POST", "/quotas", Entry(Action.APPROVE, form=_quota, root_only=True)),
    ("GET", "/reports", Entry(READ)),
    ("GET", "/reports", Entry(READ, "institution", {"institution": "{}"})),
    (
        "POST",
        "/reports/{institution}/publications",
        Entry(Action.APPROVE, "institution", form=lambda _: {"quarter": "2025Q2"}),
    ),
    (
        "POST",
        "/reports/{institution}/publications/{quarter}/notes",
        Entry(Action.APPROVE, "institution", form=lambda _: {"text": "matrix"}, parts={"quarter": "2025Q1"}),
    ),
    (
        "POST",
        "/reports/{institution}/entries",
        Entry(Action.BILL, "institution", form=lambda _: {"field": "base1/address", "year": "2025", "value": "x"}),
    ),
)  # fmt: skip

ELSEWHERE: Final[dict[tuple[str, str], str]] = {
    ("GET", "/sign-in"): "tests/console/test_pages.py: for those who are nobody yet",
    ("POST", "/sign-in"): "tests/api/test_sessions.py: for those who are nobody yet",
    ("GET", "/enter/{secret}"): "tests/api/test_sessions.py: for those who are nobody yet",
    ("POST", "/sign-out"): "tests/api/test_sessions.py: ends the caller's own session",
    ("GET", "/password"): "tests/api/test_sessions.py: the caller's own password",
    ("POST", "/password"): "tests/api/test_sessions.py: the caller's own password",
    ("POST", "/ledger"): "tests/console/test_matrix.py: its rows name what they are about",
}
"""Routes that the matrix cannot walk, and where they are proved."""

OPEN: Final = {"/api/v1/openapi.json", "/livez", "/static", "/docs"}
"""What anybody may read: it holds nothing of anybody."""
