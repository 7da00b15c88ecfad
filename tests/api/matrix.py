"""Every route of the API, who may use it, and how the thing it speaks of is named: the table of the access matrix.

`action` is what a role needs; `thing` says what an id in the request names (None: no id); `{}` in a query stands for
that id. A route that is missing here fails the matrix. The console's routes are in `tests/console/matrix.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.scope import Action

DAYS = {"first": "2025-03-01", "last": "2025-03-31"}
INSTANTS = {"start": "2025-03-01T00:00:00+08:00", "end": "2025-03-08T00:00:00+08:00"}


@dataclass(frozen=True)
class Entry:
    """One route: its action, what its id names, and an otherwise right request."""

    action: Action | None
    thing: str | None = None
    query: dict[str, str] | None = None
    body: Callable[[str], dict[str, Any]] | None = None
    root_only: bool = False
    parts: dict[str, str] | None = None
    form: Callable[[str], dict[str, Any]] | None = None
    content: bytes | None = None
    files: dict[str, tuple[str, bytes]] | None = None
    or_action: Action | None = None  # a role that has this instead may as well
    thing_first: bool = False  # a foreign thing is not found even by a role that could not act on its own
    lacking: int = 403  # the answer to a role that lacks the action
    foreign: int = 404  # the answer about what is not the caller's


def _decision(_: str) -> dict[str, Any]:
    return {"comment": "seen"}


def _correction(meter: str) -> dict[str, Any]:
    return {
        "meter": meter, "start": "2025-03-03T00:00:00+08:00", "end": "2025-03-03T01:00:00+08:00", "kind": "discard",
        "reason": "matrix",
    }  # fmt: skip


def _bill(meter: str) -> dict[str, Any]:
    return {"meter": meter, "first_day": "2025-04-01", "last_day": "2025-04-20", "amount": 5.0, "unit": "m3"}


def _entry(_: str) -> dict[str, Any]:
    return {"form": "base1", "field": "address", "year": 2025, "text": "matrix"}


def _building(institution: str) -> dict[str, Any]:
    return {"sheets": {"buildings": [{"id": f"{institution}-mx", "institution": institution, "name_zh": "矩阵楼"}]}}


def _user(institution: str) -> dict[str, Any]:
    return {"name": f"mx-{institution}", "role": "viewer", "node": {"scope": "institution", "id": institution}}


def _token(institution: str) -> dict[str, Any]:
    return {"label": "matrix", "actions": ["read"], "node": {"scope": "institution", "id": institution}}


def _target(institution: str) -> dict[str, Any]:
    return {
        "scope": "institution", "id": institution, "year": 2025, "indicator": "electricity_per_area",
        "caliber": "physical",
    }  # fmt: skip


def _energy(institution: str) -> dict[str, Any]:
    return _target(institution) | {"indicator": "energy", "caliber": "gb2589_equivalent_value", "reason": "matrix"}


def _part(institution: str, amount: float) -> dict[str, Any]:
    return {"scope": "building", "id": f"{institution}-b", "amount": amount}


def _quota(_: str) -> dict[str, Any]:
    return {
        "region": "990000", "standard": "matrix", "institution_type": "01", "indicator": "electricity_per_area",
        "caliber": "physical", "constraint": 90.0, "valid_from": "2025-01-01", "source": "matrix",
    }  # fmt: skip


def _subscription(institution: str) -> dict[str, Any]:
    return {"channel": "wecom", "address": "robot", "scope": "institution", "node": institution}


PAPER = "/api/v1/targets/{level}/{id}/{year}/{indicator}/{caliber}/paper"
PAPER_PARTS = {"level": "institution", "year": "2025", "indicator": "electricity_per_area", "caliber": "physical"}
READ = Action.READ
TABLE: dict[tuple[str, str], Entry] = {
    ("GET", "/api/v1/session"): Entry(None),
    ("GET", "/api/v1/regions"): Entry(READ),
    ("GET", "/api/v1/regions/{region}"): Entry(READ, "region"),
    ("GET", "/api/v1/institutions"): Entry(READ),
    ("GET", "/api/v1/institutions/{institution}"): Entry(READ, "institution"),
    ("GET", "/api/v1/buildings"): Entry(READ),
    ("GET", "/api/v1/buildings/{building}"): Entry(READ, "building"),
    ("GET", "/api/v1/meters"): Entry(READ),
    ("GET", "/api/v1/meters/{meter}"): Entry(READ, "meter"),
    ("GET", "/api/v1/meters/{meter}/readings"): Entry(READ, "meter", INSTANTS),
    ("GET", "/api/v1/meters/{meter}/intervals"): Entry(READ, "meter", INSTANTS),
    ("GET", "/api/v1/{level}/{id}/consumption"): Entry(READ, "institution", DAYS, parts={"level": "institutions"}),
    ("GET", "/api/v1/{level}/{id}/expected"): Entry(READ, "institution", DAYS, parts={"level": "institutions"}),
    ("GET", "/api/v1/{level}/{id}/indicators"): Entry(READ, "institution", DAYS, parts={"level": "institutions"}),
    ("GET", "/api/v1/{level}/{id}/progress"): Entry(READ, "institution", DAYS, parts={"level": "institutions"}),
    ("GET", "/api/v1/quotas"): Entry(READ),
    ("GET", "/api/v1/targets"): Entry(READ),
    ("GET", "/api/v1/targets/lacks"): Entry(READ),
    ("POST", "/api/v1/targets"): Entry(Action.CORRECT, "institution", body=lambda i: _target(i) | {"value": 61.5}),
    ("POST", "/api/v1/targets/issue"): Entry(
        Action.APPROVE,
        "institution",
        body=lambda i: _target(i) | {"value": 60.0, "document": "matrix", "date": "2025-07-01"},
    ),
    ("PUT", PAPER): Entry(
        Action.APPROVE, "institution", {"name": "paper.pdf"}, parts=PAPER_PARTS, content=b"%PDF-1.4 paper"
    ),
    ("GET", PAPER): Entry(READ, "institution", parts=PAPER_PARTS),
    ("GET", "/api/v1/breakdowns"): Entry(READ),
    ("GET", "/api/v1/breakdowns/changes"): Entry(
        READ,
        "institution",
        {
            "level": "institution",
            "node": "{}",
            "year": "2025",
            "indicator": "energy",
            "caliber": "gb2589_equivalent_value",
        },
    ),
    ("GET", "/api/v1/breakdowns/{breakdown}"): Entry(READ, "breakdown"),
    ("GET", "/api/v1/breakdowns/{breakdown}/parts"): Entry(READ, "breakdown"),
    ("POST", "/api/v1/breakdowns"): Entry(
        Action.CORRECT, "institution", body=lambda i: _energy(i) | {"parts": [_part(i, 90.0)], "reserve": 10.0}
    ),
    ("POST", "/api/v1/breakdowns/changes"): Entry(
        Action.CORRECT, "institution", body=lambda i: _energy(i) | {"part": _part(i, 80.0)}
    ),
    ("POST", "/api/v1/breakdowns/{breakdown}/{act}"): Entry(Action.APPROVE, "breakdown", parts={"act": "approve"}),
    ("POST", "/api/v1/quotas"): Entry(Action.APPROVE, body=_quota, root_only=True),
    ("GET", "/api/v1/findings"): Entry(READ),
    ("GET", "/api/v1/findings/{finding}"): Entry(READ, "finding"),
    ("POST", "/api/v1/findings/{finding}/decisions"): Entry(Action.JUDGE, "finding", body=_decision),
    ("GET", "/api/v1/notices"): Entry(READ),
    ("GET", "/api/v1/notices/{notice}"): Entry(READ, "notice"),
    ("POST", "/api/v1/notices/{notice}/acts"): Entry(Action.JUDGE, "notice", body=lambda _: {"act": "acknowledge"}),
    ("GET", "/api/v1/alarms/subscriptions"): Entry(READ),
    ("PUT", "/api/v1/alarms/subscriptions/{subscription}"): Entry(READ, "institution", body=_subscription),
    ("POST", "/api/v1/alarms/subscriptions/{subscription}/test"): Entry(Action.ADMINISTER, "subscription", lacking=404),
    ("DELETE", "/api/v1/alarms/subscriptions/{subscription}"): Entry(Action.ADMINISTER, "subscription", lacking=404),
    ("GET", "/api/v1/alarms/rules"): Entry(READ),
    ("PATCH", "/api/v1/alarms/rules/{rule}"): Entry(
        Action.ADMINISTER, body=lambda _: {"severity": "info"}, root_only=True, parts={"rule": "silent"}
    ),
    ("GET", "/api/v1/alarms/outbox"): Entry(Action.OPERATE, root_only=True),
    ("POST", "/api/v1/alarms/outbox/retry"): Entry(Action.OPERATE, root_only=True),
    ("GET", "/api/v1/reports/monthly/{institution}"): Entry(READ, "institution", {"month": "2025-03", "file": "docx"}),
    ("GET", "/api/v1/reports/yearly/{institution}"): Entry(READ, "institution", {"year": "2025", "file": "xlsx"}),
    ("GET", "/api/v1/reports/forms/{form}/{institution}"): Entry(
        READ, "institution", {"year": "2025"}, parts={"form": "base2"}
    ),
    ("GET", "/api/v1/reports/summaries/{region}"): Entry(READ, "region", {"year": "2025"}),
    ("GET", "/api/v1/reports/entries/{institution}"): Entry(READ, "institution", {"year": "2025"}),
    ("PUT", "/api/v1/reports/entries/{institution}"): Entry(Action.BILL, "institution", body=_entry),
    ("GET", "/api/v1/reports/publications/{institution}"): Entry(READ, "institution"),
    ("POST", "/api/v1/reports/publications/{institution}"): Entry(
        Action.APPROVE, "institution", body=lambda _: {"quarter": "2025Q2"}
    ),
    ("GET", "/api/v1/reports/publications/{institution}/{quarter}"): Entry(
        READ, "institution", parts={"quarter": "2025Q1"}
    ),
    ("POST", "/api/v1/reports/publications/{institution}/{quarter}/notes"): Entry(
        Action.APPROVE, "institution", body=lambda _: {"text": "matrix"}, parts={"quarter": "2025Q1"}
    ),
    ("GET", "/api/v1/corrections"): Entry(READ),
    ("POST", "/api/v1/corrections"): Entry(Action.CORRECT, "meter", body=_correction),
    ("POST", "/api/v1/corrections/{id}/{act}"): Entry(Action.APPROVE, "correction", parts={"act": "undo"}),
    ("GET", "/api/v1/bills"): Entry(READ),
    ("GET", "/api/v1/bills/audits"): Entry(READ, "institution", {"institution": "{}"}),
    ("PUT", "/api/v1/bills"): Entry(Action.BILL, "billed", body=_bill),
    ("DELETE", "/api/v1/bills/{meter}/{first_day}"): Entry(Action.BILL, "billed", parts={"first_day": "2025-04-01"}),
    ("POST", "/api/v1/imports"): Entry(Action.IMPORT, "institution", {"dry_run": "true"}, _building, foreign=422),
    ("POST", "/api/v1/imports/file"): Entry(None),
    ("GET", "/api/v1/exports"): Entry(READ),
    ("GET", "/api/v1/exports/{sheet}"): Entry(READ, parts={"sheet": "meters"}),
    ("GET", "/api/v1/runs"): Entry(Action.OPERATE, root_only=True),
    ("GET", "/api/v1/collector"): Entry(READ),
    ("GET", "/api/v1/users"): Entry(Action.ADMINISTER),
    ("POST", "/api/v1/users"): Entry(Action.ADMINISTER, "institution", body=_user),
    ("GET", "/api/v1/users/{name}"): Entry(Action.ADMINISTER, "user"),
    ("PATCH", "/api/v1/users/{name}"): Entry(Action.ADMINISTER, "user", body=lambda _: {"display": "x"}),
    ("POST", "/api/v1/users/{name}/link"): Entry(Action.ADMINISTER, "user"),
    ("GET", "/api/v1/tokens"): Entry(READ),
    ("POST", "/api/v1/tokens"): Entry(Action.ADMINISTER, "institution", body=_token),
}

ELSEWHERE: dict[tuple[str, str], str] = {
    ("POST", "/api/v1/session"): "tests/api/test_sessions.py: for those who are nobody yet",
    ("DELETE", "/api/v1/session"): "tests/api/test_sessions.py: ends the caller's own session",
    ("PUT", "/api/v1/session/password"): "tests/api/test_sessions.py: the caller's own password",
    ("DELETE", "/api/v1/users/{name}"): "tests/api/test_accounts.py: takes away what the matrix needs",
    ("DELETE", "/api/v1/tokens/{id}"): "tests/api/test_accounts.py: takes away what the matrix needs",
}
"""Routes that the matrix cannot walk, and where they are proved."""
