"""Notices and who looks after them; who is told by which channel; what deserves a notice."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, RedirectResponse

from api import alarms as noun
from api.alarms.rules import stated
from api.console import acts, paging
from api.console.frame import Administers, ConsoleRoute, Judges, Page, Reads, checked
from api.routes import alarms as routes
from energy.registry import Node
from energy.registry.alarms import CHANNELS, KINDS, SEVERITIES

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
State = Literal["open", "acknowledged", "closed", "withdrawn"]


@router.get("/alarms", response_class=HTMLResponse)
def alarms(page: Reads, state: State = "open", part: int = 1) -> HTMLResponse:
    """The inbox with its channels and rules."""
    return _shown(page, state, part)


def _shown(page: Page, state: State, part: int, **more: object) -> HTMLResponse:
    registry = page.ctx.registry
    counts = acts.notices(page).counts("state")
    return page.show(
        "alarms.html",
        part=paging.stored(acts.notices(page, state), part),
        counts={name: counts[name] for name in get_args(State)},
        state=state,
        subscriptions=noun.subscriptions(registry, page.scope),
        rules=stated(registry.alarms.rules()),
        nodes=_nodes(page),
        channels=CHANNELS,
        kinds=KINDS,
        severities=SEVERITIES,
        **({"tested": None} | more),
    )


def _nodes(page: Page) -> list[tuple[str, str]]:
    """(value, name) of what a subscription can be about."""
    scope, put = page.scope, page.put
    whole = [("root:", page.words["everything"])] if scope.holds(Node()) else []
    regions = [(f"region:{code}", put.name(scope.region(code), code)) for code in sorted(scope.regions)]
    places = sorted((scope.institution(i) for i in scope.institutions), key=lambda i: i.name_zh)
    return [*whole, *regions, *((f"institution:{i.id}", put.name(i, i.id)) for i in places)]


@router.post("/alarms/notices/acts")
def acknowledge_all(page: Judges, notice: Annotated[list[str], Form(max_length=paging.PER_PAGE)]) -> RedirectResponse:
    """Acknowledge the notices that a page showed; those that others acknowledged or closed meanwhile stay so."""
    registry, scope = page.ctx.registry, page.scope
    for one in [noun.find(registry, scope, identity) for identity in notice]:
        if one.state == "open":
            noun.acknowledge(registry, scope, one.id, now=page.ctx.now())
    return page.go("/alarms", "act")


@router.post("/alarms/notices/{notice}/acts")
def act(
    page: Judges,
    notice: str,
    act: Annotated[Literal["acknowledge", "close"], Form()],
    text: Annotated[str, Form(max_length=4000)] = "",
) -> RedirectResponse:
    """Acknowledge a notice, or close it."""
    do = noun.acknowledge if act == "acknowledge" else noun.close
    do(page.ctx.registry, page.scope, notice, now=page.ctx.now(), text=text.strip())
    return page.go("/alarms", "act")


@router.post("/alarms/subscriptions")
def subscribe(
    page: Reads,
    channel: Annotated[str, Form()],
    address: Annotated[str, Form()],
    node: Annotated[str, Form()],
    severity: Annotated[str, Form()] = "info",
    mode: Annotated[str, Form()] = "at_once",
    kind: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """Have yourself told by a channel."""
    scope, _, place = node.partition(":")
    given = {
        "channel": channel, "address": address.strip(), "scope": scope, "node": place, "severity": severity,
        "mode": mode, "kinds": [kind] if kind else [], "language": page.language,
    }  # fmt: skip
    name = f"{page.user[:48]}-{secrets.token_hex(4)}"
    routes.put_subscription(page.ctx, page.scope, name, checked(routes.SubscriptionIn, given))
    return page.go("/alarms#subscriptions", "subscribed")


@router.post("/alarms/subscriptions/{subscription}/test", response_class=HTMLResponse)
def test(page: Reads, subscription: str) -> HTMLResponse:
    """Send a test message and say what came of it."""
    found = routes.test_subscription(page.ctx, page.scope, subscription)
    return _shown(page, "open", 1, tested=found)


@router.post("/alarms/subscriptions/{subscription}/remove")
def remove(page: Reads, subscription: str) -> RedirectResponse:
    """End a subscription."""
    routes.remove_subscription(page.ctx, page.scope, subscription)
    return page.go("/alarms#subscriptions", "unsubscribed")


@router.post("/alarms/rules/{rule}")
def change_rule(
    page: Administers,
    rule: str,
    severity: Annotated[str, Form()],
    threshold: Annotated[str, Form()] = "",
    is_active: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """Change what deserves a notice."""
    given = {"severity": severity, "is_active": is_active}
    limit = {"threshold": page.number("threshold", threshold)} if threshold else {}
    routes.change_rule(page.ctx, page.scope, rule, checked(routes.RuleIn, given | limit))
    return page.go("/alarms#rules", "rule")
