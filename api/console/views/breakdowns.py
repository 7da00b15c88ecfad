"""How issued targets are divided (分解): region to institutions, institution to buildings, with reserve and history."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console import acts, figures, paging
from api.console.dividing import suggestion
from api.console.frame import Approves, ConsoleRoute, Corrects, Page, Reads, checked
from api.console.views.targets import INDICATORS, KeyForm, standing_states
from api.problems import wrong
from api.routes import breakdowns as noun
from api.routes.targets import Named, TargetKey
from api.stored import Shown
from energy.breakdown import Breakdown
from energy.registry import Subject, Target, Version
from energy.registry.breakdowns import exact

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
DIVISIBLE: Final = [row.key for row in INDICATORS if row.adds_up]
_PATH: Final = "/targets/breakdowns/{level}/{id}/{year}/{indicator}/{caliber}"


@dataclass(frozen=True, slots=True)
class Whole:
    """An issued amount, how it is divided now, and how many other ways wait for approval."""

    target: Target
    active: Version | None
    n_proposed: int


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the tree: a part, what it passed on itself, and how its year stands."""

    depth: int
    name: str
    place: str
    amount: Decimal | None
    share: float
    active: Version | None
    state: figures.TargetState | None


@dataclass(frozen=True, slots=True)
class Step:
    """One version with what it changed: (name, before, after)."""

    version: Version
    changes: Sequence[tuple[str, Decimal | None, Decimal | None]]


@router.get("/targets/breakdowns", response_class=HTMLResponse)
def breakdowns(page: Reads, year: int | None = None, part: int = 1) -> HTMLResponse:
    """Issued targets that can be divided, regions first, with what they passed on."""
    today = page.ctx.today()
    chosen = year if year is not None and 1990 <= year <= 2200 else today.year
    wanted = page.ctx.registry.targets.listing(
        "-scope",
        "id",
        "indicator",
        "caliber",
        year=chosen,
        state="issued",
        indicator=DIVISIBLE,
        scope=["region", "institution"],
    )
    found = paging.stored(Shown(wanted, ("scope", "id"), page.scope.sees), part)
    held = _standing(page, [target.id for target in found.rows], chosen)
    return page.show(
        "breakdowns.html",
        part=found.of(lambda target: _whole(target, held.get(Subject.of(target), []))),
        place=lambda name: _place(page, name),
        year=chosen,
        years=range(today.year - 2, today.year + 2),
        link=_link,
    )


def _whole(target: Target, standing: Sequence[Version]) -> Whole:
    active = next((v for v in standing if v.state == "active"), None)
    return Whole(target, active, sum(v.state == "proposed" for v in standing))


def _standing(page: Page, ids: Collection[str], year: int) -> dict[Subject, list[Version]]:
    found: dict[Subject, list[Version]] = {}
    for version in page.ctx.registry.breakdowns.standing(ids, year) if ids else ():
        found.setdefault(Subject.of(version), []).append(version)
    return found


@router.get(_PATH, response_class=HTMLResponse)
def breakdown(
    page: Reads, key: Named, by: Literal["", "last_year"] = "", reserve: Annotated[str, Query(max_length=20)] = ""
) -> HTMLResponse:
    """One target divided: the tree with its sums, what waits for approval, the forms, and every version there was."""
    subject = noun.subject_of(key)
    whole = noun.issued_value(page.ctx, page.scope, subject)
    history = noun.history(page.ctx, subject)
    active = next(((v, split) for v, split, _ in history if v.state == "active"), None)
    steps = [_step(page, version, split, before) for version, split, before in reversed(history)]
    names = noun.parts_of(page.scope, subject)
    asked = Decimal(0) if not reserve else _amount(page, "reserve", reserve)
    given: Mapping[str, Decimal] = noun.amounts(active[1] if active else None)
    unknown: list[str] = []
    if by == "last_year":
        suggested = suggestion(page, subject, names, whole, asked)
        given, unknown = suggested.amounts or given, [_place(page, name) for name in suggested.unknown]
    lines = _lines(page, subject, active[1]) if active else []
    return page.show(
        "breakdown.html",
        subject=subject,
        place=lambda name: _place(page, name),
        unit=page.indicator_unit(subject.indicator),
        whole=whole,
        active=active[0] if active else None,
        lines=lines,
        digits=max(_digits(amount) for amount in [whole, *_stated(steps)]),
        proposed=[step for step in steps if step.version.state == "proposed"],
        history=[step for step in steps if step.version.state != "proposed"],
        names=names,
        given=given,
        unknown=unknown,
        link=_link,
        above=_above(page, subject),
    )


def _link(subject: Subject | Target) -> str:
    return f"/targets/breakdowns/{subject.scope}/{subject.id}/{subject.year}/{subject.indicator}/{subject.caliber}"


def _place(page: Page, name: str) -> str:
    """Name of a part; of one that has left the caller's part of the tree only that it is elsewhere."""
    level, _, identity = name.partition(":")
    if level == noun.RESERVE:
        return page.words["reserve"]
    if not page.scope.sees(level, identity):
        return page.words["elsewhere"]
    return acts.place_name(page, level, identity)


def _above(page: Page, subject: Subject) -> Subject | None:
    """The whole that this is a part of, where the caller sees it."""
    snapshot = page.scope.snapshot
    if subject.scope == "building":
        name = f"institution:{snapshot.buildings[subject.id].institution}"
    elif subject.scope == "institution":
        own = snapshot.institutions[subject.id]
        name = f"institution:{own.parent}" if own.parent else f"region:{own.region}"
    else:
        name = f"region:{snapshot.regions[subject.id].parent}"
    above = subject.part(name)
    return above if page.scope.sees(above.scope, above.id) and noun.active(page.ctx, above) else None


def _lines(page: Page, subject: Subject, split: Breakdown) -> list[Line]:
    """Each part with its own parts below it: two levels, the rest by their links."""
    states = standing_states(page, subject.year, [subject.part(name) for name in split.parts])
    below = _standing(page, [subject.part(name).id for name in split.parts], subject.year)
    held = {place: v for place, versions in below.items() for v in versions if v.state == "active"}
    splits = page.ctx.registry.breakdowns.splits(held.values())
    inner = {place: splits[version.breakdown] for place, version in held.items()}
    found = []
    for name in sorted(split.parts, key=_in_tree):
        amount = split.parts[name]
        part = subject.part(name)
        found.append(_line(page, 0, name, amount, split.total, held.get(part), states.get(part)))
        if part in inner:
            rest = noun.amounts(inner[part])
            found += [_line(page, 1, one, rest[one], inner[part].total, None, None) for one in rest]
    return found


def _in_tree(name: str) -> tuple[int, str]:
    """Regions before institutions before buildings; what is kept back comes last."""
    return (("region", "institution", "building", noun.RESERVE).index(name.partition(":")[0]), name)


def _line(
    page: Page, depth: int, name: str, amount: Decimal, total: Decimal, active: Version | None,
    state: figures.TargetState | None,
) -> Line:  # fmt: skip
    share = float(amount / total) if total else math.nan
    return Line(depth, name, _place(page, name), amount, share, active, state)


def _step(page: Page, version: Version, split: Breakdown, before: Mapping[str, Decimal]) -> Step:
    now = noun.amounts(split)
    names = sorted({*before, *now}, key=_in_tree)
    changed = [name for name in names if before.get(name) != now.get(name)]
    return Step(version, [(_place(page, name), before.get(name), now.get(name)) for name in changed])


def _stated(steps: Sequence[Step]) -> Iterator[Decimal]:
    """Every amount of every version: all are shown with as many digits as the finest has."""
    for step in steps:
        yield from (step.version.total, step.version.reserve)
        yield from (amount for change in step.changes for amount in change[1:] if amount is not None)


def _digits(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _amount(page: Page, field: str, text: str) -> Decimal:
    amount = page.number(field, text.strip())
    if not 0 <= amount < math.inf:
        raise wrong(field, "a number, 0 or more", text)
    return exact(amount)


@router.post("/targets/breakdowns")
def propose(
    page: Corrects,
    key: KeyForm,
    reserve: Annotated[str, Form()],
    reason: Annotated[str, Form(min_length=1, max_length=4000)],
    part: Annotated[list[str], Form()],
    amount: Annotated[list[str], Form()],
) -> RedirectResponse:
    """Propose all parts and the reserve; a part whose amount is empty gets none."""
    stated = [(name, text) for name, text in zip(part, amount, strict=False) if text.strip()]
    parts = [_part(page, name, text) for name, text in stated]
    given = {"reason": reason.strip(), "reserve": page.number("reserve", reserve), "parts": parts}
    body = checked(noun.BreakdownIn, key | given)
    noun.propose_breakdown(page.ctx, page.scope, body)
    return _back(page, body, "breakdown_proposed")


@router.post("/targets/breakdowns/changes")
def change(
    page: Corrects,
    key: KeyForm,
    part: Annotated[str, Form()],
    amount: Annotated[str, Form()],
    reason: Annotated[str, Form(min_length=1, max_length=4000)],
) -> RedirectResponse:
    """Propose another amount for one part; the reserve gives or takes the difference."""
    body = checked(noun.ChangeIn, key | {"reason": reason.strip(), "part": _part(page, part, amount)})
    noun.propose_breakdown_change(page.ctx, page.scope, body)
    return _back(page, body, "breakdown_proposed")


@router.post("/targets/breakdowns/{breakdown}/{act}")
def decide(page: Approves, breakdown: str, act: noun.Act) -> RedirectResponse:
    """Approve a version, which issues its parts, or refuse it."""
    noun.decide_breakdown(page.ctx, page.scope, breakdown, act)
    subject = Subject.of(page.ctx.registry.breakdowns.one(breakdown))
    return page.go(_link(subject), f"breakdown_{act}")


def _part(page: Page, name: str, amount: str) -> dict[str, object]:
    level, _, identity = name.partition(":")
    return {"scope": level, "id": identity, "amount": page.number("amount", amount)}


def _back(page: Page, key: TargetKey, done: str) -> RedirectResponse:
    return page.go(_link(noun.subject_of(key)), done)
