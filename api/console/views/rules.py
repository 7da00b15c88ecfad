"""By which rule the yearly target of each institution is proposed (建议值), and what came of it this year."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Final, Literal, get_args

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from analytics.jobs.proposals import MissingTarget, missing_targets
from api.console import acts, paging
from api.console.frame import Approves, ConsoleRoute, Page, Reads, checked
from api.console.views.targets import CALIBERS, INDICATORS
from api.routes import exchange as noun
from energy.registry import Target, TargetRule

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Kind = Literal["four_branches", "five_year_path", "own_history", "towards_peers"]
_ASKED: Final[dict[Kind, tuple[str, ...]]] = {
    "four_branches": ("cut", "cut_above_baseline", "rise"),
    "five_year_path": ("cut", "base_year", "n_years"),
    "own_history": ("cut", "n_years"),
    "towards_peers": ("cut",),
}
"""What each rule asks for; shares are stated as percent."""
_SHARES: Final = ("cut", "cut_above_baseline", "rise")
_NEEDED: Final = frozenset(
    {("five_year_path", "cut"), ("five_year_path", "base_year"), ("own_history", "cut")}
    | {(kind, "source") for kind in ("five_year_path", "own_history")}
)


@dataclass(frozen=True, slots=True)
class Line:
    """One rule, and the target it proposed for this year or what it lacks."""

    rule: TargetRule
    proposed: Target | None
    lack: MissingTarget | None
    is_over: bool

    @property
    def numbers(self) -> list[tuple[str, float, bool]]:
        """(name, number, whether it is a share) of what is stated; the rule's own counts for all else."""
        stated = ((name, getattr(self.rule, name)) for name in _ASKED[_kind(self.rule.rule)])
        return [(name, float(value), name in _SHARES) for name, value in stated if value is not None]


def _kind(name: str) -> Kind:
    return next(kind for kind in get_args(Kind) if kind == name)


@router.get("/targets/rules", response_class=HTMLResponse)
def rules(page: Reads, q: Annotated[str, Query(max_length=80)] = "", part: int = 1) -> HTMLResponse:
    """Every rule of visible institutions, those that lack something first; and who has none."""
    today = page.ctx.today()
    seen = sorted((page.scope.institution(i) for i in page.scope.institutions), key=lambda i: i.name_zh)
    lines = _lines(page, today)
    ruled = {line.rule.institution for line in lines if not line.is_over}
    found = paging.matching(lines, q, lambda line: page.put.name(page.scope.institution(line.rule.institution)))
    return page.show(
        "rules.html",
        part=_with_proposals(page, paging.part(found, part), today.year),
        n=len(lines),
        q=q,
        year=today.year,
        without=[one for one in seen if one.id not in ruled],
        institutions=seen,
        indicators=INDICATORS,
        calibers=CALIBERS,
        asked=_ASKED,
        shares=_SHARES,
        needed=_NEEDED,
    )


def _lines(page: Page, today: date) -> list[Line]:
    lacks = {(one.institution, one.indicator, one.caliber): one for one in missing_targets(page.ctx.registry)}
    found = []
    for rule in page.ctx.registry.target_rules.rows():
        if rule.institution in page.scope.institutions:
            key = (rule.institution, rule.indicator, rule.caliber)
            is_over = rule.valid_to is not None and rule.valid_to <= today
            found.append(Line(rule, None, None if is_over else lacks.get(key), is_over))
    return sorted(found, key=lambda line: (line.is_over, line.lack is None, line.rule.institution))


def _with_proposals(page: Page, shown: paging.Part[Line], year: int) -> paging.Part[Line]:
    """The same rules with what they proposed."""
    ids = sorted({line.rule.institution for line in shown.rows})
    found = acts.targets(page, year=year, scope="institution", state="proposed", id=ids)
    proposed = {(t.id, t.indicator, t.caliber): t for t in found if t.rule}

    def proposing(line: Line) -> Line:
        key = (line.rule.institution, line.rule.indicator, line.rule.caliber)
        return line if line.is_over else replace(line, proposed=proposed.get(key))

    return shown.of(proposing)


@router.post("/targets/rules")
def choose(
    page: Approves,
    institution: Annotated[str, Form()],
    indicator: Annotated[str, Form()],
    caliber: Annotated[str, Form()],
    rule: Annotated[Kind, Form()],
    valid_from: Annotated[str, Form()],
    valid_to: Annotated[str, Form()] = "",
    cut: Annotated[str, Form()] = "",
    cut_above_baseline: Annotated[str, Form()] = "",
    rise: Annotated[str, Form()] = "",
    base_year: Annotated[str, Form()] = "",
    n_years: Annotated[str, Form()] = "",
    source: Annotated[str, Form(max_length=500)] = "",
    note: Annotated[str, Form(max_length=500)] = "",
) -> RedirectResponse:
    """Choose an institution's rule from a day on, or state the one of that day anew (with its end, for example)."""
    page.scope.institution(institution)
    percents = {"cut": cut, "cut_above_baseline": cut_above_baseline, "rise": rise}
    row: dict[str, str | float] = {
        "institution": institution, "indicator": indicator, "caliber": caliber, "rule": rule,
        "valid_from": valid_from, "valid_to": valid_to, "base_year": base_year, "n_years": n_years,
        "source": source.strip(), "note": note.strip(),
    }  # fmt: skip
    row |= {name: round(page.number(name, text) / 100, 9) if text else "" for name, text in percents.items()}
    noun.import_sheets(page.ctx, page.scope, checked(noun.ImportIn, {"sheets": {"target_rules": [row]}}))
    return page.go("/targets/rules", "rule_chosen")
