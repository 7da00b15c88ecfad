"""Findings: the inbox, and one finding with its evidence and what people made of it."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final, Literal, get_args

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from api.answers import Wish
from api.console import acts, charts, figures, paging
from api.console.frame import ConsoleRoute, Judges, Page, Reads
from api.console.views.meter import load
from api.routes import findings as noun
from api.scope import Action, scope_of
from energy.errors import NotInRegistry
from energy.intervals import DAY, LocalCalendar, Window
from energy.model import Category
from energy.model import Scope as Level
from energy.registry import Finding

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_TOLD: Final = ("actual", "usual", "hours", "kgce")
"""What of the evidence is a figure with a unit; the rest are signs, other meters and times."""
_MOST_SIGNS: Final = 4
_STRONG, _PLAIN = 3.0, 1.5
"""Log-odds (of rules: usual deviations) from which a sign is strong, and plain."""
_PARTS: Final = re.compile(r"(?=可能原因：|先查：|Likely: |First: )|\n")
State = Literal["open", "waiting", "closed", "withdrawn"]


@router.get("/findings", response_class=HTMLResponse)
def inbox(
    page: Reads,
    state: State = "open",
    institution: str = "",
    mine: bool = False,
    q: Annotated[str, Query(max_length=80)] = "",
    part: int = 1,
) -> HTMLResponse:
    """The inbox: what was found, by yuan x certainty."""
    here = page.scope.institution(institution) if institution else None
    wanted = ({"institution": here.id} if here else {}) | ({"assignee": page.user} if mine else {})
    shown = acts.findings(page, words=q, state=state, **wanted)
    counts = acts.findings(page, words=q, **wanted).counts("state")
    return page.show(
        "findings.html",
        part=paging.stored(shown, part),
        q=q,
        counts={name: counts[name] for name in get_args(State)},
        state=state,
        yuan=shown.gain("excess_yuan"),
        institution=here,
        mine=mine,
    )


@router.get("/findings/{finding}", response_class=HTMLResponse)
def finding(page: Reads, finding: str) -> HTMLResponse:
    """One finding: what, since when, how much, why probably, what to look at first."""
    one = visible(page, finding)
    page = page.at(one.institution)
    return page.show(
        "finding.html",
        one=one,
        here=page.scope.institution(one.institution),
        chart=_chart(page, one),
        parts_of_text=[
            page.put.unit(part.strip())
            for part in _PARTS.split(page.put.either(one.text_zh, one.text_en))
            if part.strip()
        ],
        evidence=evidence(one),
        signs=signs(one),
        also=[name for name in told(one).get("also", ()) if name in page.scope.snapshot.meters],
        history=page.ctx.registry.findings.history(finding),
        tasks=acts.tasks(page, finding=finding),
        people=_people(page, one.institution),
    )


def visible(page: Page, finding: str) -> Finding:
    """A finding of an institution the caller sees."""
    found = page.ctx.registry.findings.rows(id=finding)
    if not found or found[0].institution not in page.scope.institutions:
        raise NotInRegistry(f"finding {finding!r} is not known here")
    return found[0]


def told(one: Finding) -> dict[str, Any]:
    """All of the evidence."""
    try:
        found = json.loads(one.evidence or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def evidence(one: Finding) -> dict[str, Any]:
    """The numbers it rests on, as far as they are plain."""
    return {k: v for k, v in told(one).items() if k in _TOLD and v is not None}


def signs(one: Finding) -> list[tuple[str, str, float]]:
    """What speaks for it, strongest first: the sign, how strong in a word, and in its own measure."""
    strongest = sorted(told(one).get("terms", ()), key=lambda pair: -pair[1])[:_MOST_SIGNS]
    return [
        (term, "strong" if odds >= _STRONG else "plain" if odds >= _PLAIN else "slight", odds)
        for term, odds in strongest
    ]


def _people(page: Page, institution: str) -> list[str]:
    """Users the finding can be given to; only those who judge learn their names."""
    if not page.scope.may(Action.JUDGE):
        return []
    today, snapshot = page.ctx.today(), page.scope.snapshot
    users = page.ctx.registry.accounts.users()
    return [u.name for u in users if institution in scope_of(u, snapshot, today=today).institutions]


def _chart(page: Page, one: Finding) -> charts.Chart:
    """The load of the meter around the event; days of the institution where no meter is named."""
    end = one.end or page.ctx.now()
    margin = max(DAY, min(7 * DAY, end - one.start))
    window = Window(one.start - margin, min(end + margin, page.ctx.now() + 1) if end < page.ctx.now() else end + 1)
    mark = page.put.either(one.title_zh, one.title_en)
    if one.meter is not None:
        rows = figures.intervals(page, one.meter, window)
        if len(rows):
            return load(page, rows, window, (one.start, end), mark)
    calendar = LocalCalendar(page.ctx.zone_of(one.institution))
    edges = calendar.edges(window, "day")
    level, name = (Level.METER, one.meter) if one.meter else (Level.INSTITUTION, one.institution)
    days = Window(int(edges[0]), int(edges[-1]))
    meter = page.scope.snapshot.meters.get(one.meter or "")
    found = figures.by_category(figures.totals(page, level, [name], "day", days))
    periods = found.get(meter.category if meter else Category.ELECTRICITY)
    title = page.words["evidence"]
    if periods is None:
        return charts.Chart(title, "", {}, is_empty=True)
    return charts.consumption(page.put, page.words, periods, "day", title)


@router.post("/findings/{finding}/decisions")
def decide(
    page: Judges,
    finding: str,
    verdict: Annotated[Literal["", "confirmed", "false_alarm", "known", "none"], Form()] = "",
    state: Annotated[Literal["", "open", "waiting", "closed"], Form()] = "",
    comment: Annotated[str, Form(max_length=4000)] = "",
    assignee: Annotated[str, Form(max_length=64)] = "",
) -> RedirectResponse:
    """Verdict (or none any more), comment, assignment, closing: every decision is kept with its author."""
    given = {"verdict": verdict, "state": state, "comment": comment.strip(), "assignee": assignee}
    body = noun.DecisionIn.model_validate({name: value for name, value in given.items() if value})
    noun.decide_finding(page.ctx, page.scope, Wish("json", "zh", ""), finding, body)
    return page.go(f"/findings/{finding}", "decided")
