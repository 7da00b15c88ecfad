"""Yearly targets (年度指标) from proposal (建议值) to issue with its paper, and the quota book (定额) behind them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from fastapi import Body as RawBody
from fastapi import Depends, Query, Response
from fastapi.responses import FileResponse
from pydantic import Field

from analytics.jobs.proposals import missing_targets
from api import proofs
from api.answers import BINARY, Pages, Wants, answers, listed
from api.callers import Sees, may
from api.context import Context, Ctx
from api.problems import wrong
from api.schemas import Asked, Body, Identity, Text
from api.scope import Action, Scope
from api.stored import Shown
from api.strict import noun
from api.times import Day
from energy.errors import Forbidden, NotInRegistry, ReferenceTableError
from energy.reference import indicator as indicator_of
from energy.registry import Target

router = noun("decisions")
Level = Literal["region", "institution", "building"]
Year = Annotated[int, Field(ge=1990, le=2200, examples=[2027])]
IndicatorKey = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$", examples=["electricity_per_area"])]
CaliberKey = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$", examples=["physical"])]
Amount = Annotated[float, Field(ge=0, examples=[61.5], description="in the unit of the indicator")]
Papers: Final = "application/octet-stream"


class QuotaOut(Body):
    """A quota (定额) that was taken with its approval."""

    standard: str
    region: str
    institution_type: str
    tier: str
    climate_zone: str
    indicator: str
    kind: str
    constraint: float | None
    baseline: float | None
    guide: float | None
    unit: str
    caliber: str
    valid_from: date | None
    valid_to: date | None
    source: str
    confidence: str
    approved_by: str
    note: str


class QuotaIn(Asked):
    """A quota of a published standard; the same standard, class, indicator and first day again replaces it."""

    region: Annotated[str, Field(max_length=64, examples=["370000"])]
    standard: Annotated[str, Field(min_length=1, max_length=120, examples=["DB37/T 2672-2019"])]
    institution_type: Annotated[str, Field(max_length=16, description="quota class", examples=["党政机关"])]
    tier: Annotated[str, Field(max_length=64)] = ""
    climate_zone: Annotated[str, Field(max_length=16)] = ""
    indicator: IndicatorKey
    kind: Literal["three_level", "two_level", "water"] = "three_level"
    constraint: float | None = Field(None, description="约束值, must not be exceeded")
    baseline: float | None = Field(None, description="基准值, normal")
    guide: float | None = Field(None, description="引导值, advanced")
    caliber: CaliberKey
    valid_from: Day
    valid_to: Day | None = None
    source: Annotated[Text, Field(min_length=1)]
    confidence: Literal["sure", "seen", "unsure"] = "sure"
    note: Text = ""


class TargetOut(Body):
    """The target of a year, proposed (建议值) or issued."""

    scope: str
    id: str
    year: int
    indicator: str
    caliber: str
    state: str = Field(description="proposed or issued")
    value: float
    unit: str
    document: str = Field(description="文号")
    date: date | None
    file: str = Field(description="name of the paper; empty where none was brought")
    rule: str
    approved_by: str
    note: str


class TargetKey(Asked):
    """Whose target of what."""

    scope: Level
    id: Identity
    year: Year
    indicator: IndicatorKey
    caliber: CaliberKey


class ProposalIn(TargetKey):
    """A proposal (建议值) of a person; it stands before what a rule proposes."""

    value: Amount
    note: Text = ""


class IssueIn(TargetKey):
    """A target issued by a document."""

    value: Annotated[float | None, Field(ge=0, description="left out: as proposed")] = None
    document: Annotated[str, Field(min_length=1, max_length=200, description="文号", examples=["〔2027〕3号"])]
    date: Day
    note: Text = ""


class LackOut(Body):
    """Why a rule could propose nothing this year."""

    institution: str
    indicator: str
    caliber: str
    year: int
    lack: str
    text: str


@router.get("/quotas", operation_id="list_quotas", responses=answers(QuotaOut))
def list_quotas(
    ctx: Ctx,
    _scope: Sees,
    wish: Wants,
    paging: Pages,
    indicator: Annotated[str | None, Query(max_length=64)] = None,
    institution_type: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """The quota book: approved standards, which are public."""
    wanted = {"indicator": indicator, "institution_type": institution_type}
    found = ctx.registry.quotas.rows(**{name: value for name, value in wanted.items() if value is not None})
    rows = [QuotaOut.model_validate(quota, from_attributes=True) for quota in found]

    def key(row: QuotaOut) -> tuple[str, ...]:
        since = row.valid_from.isoformat() if row.valid_from else ""
        return (row.standard, row.institution_type, row.tier, row.climate_zone, row.indicator, since)

    return listed(wish, paging, rows, key, QuotaOut)


@router.post("/quotas", status_code=201, operation_id="approve_quota")
def approve_quota(ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.APPROVE))], body: QuotaIn) -> QuotaOut:
    """Take a quota into the book, which is everybody's: for approvers of the whole installation."""
    if not scope.is_whole:
        raise Forbidden("the quota book is shared by all: ask an approver of the whole installation")
    row = body.model_dump(mode="json") | {"unit": unit_of(body.indicator), "approved_by": scope.user}
    ctx.registry.import_sheets({"quotas": [row]})
    key = ("standard", "institution_type", "tier", "climate_zone", "indicator", "valid_from")
    (stored,) = ctx.registry.quotas.rows(**{name: getattr(body, name) for name in key})
    return QuotaOut.model_validate(stored, from_attributes=True)


@router.get("/targets", operation_id="list_targets", responses=answers(TargetOut))
def list_targets(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    year: Annotated[int | None, Query(ge=1990, le=2200)] = None,
    id: Annotated[str | None, Query(max_length=64)] = None,  # noqa: A002 -- the name of the column
    state: Literal["proposed", "issued"] | None = None,
) -> Response:
    """Targets of what you see."""
    wanted = {"year": year, "id": id, "state": state}
    stated = {name: value for name, value in wanted.items() if value is not None}
    found = ctx.registry.targets.listing("scope", "id", "year", "indicator", "caliber", "state", **stated)
    return Shown(found, ("scope", "id"), scope.sees).answer(wish, paging, _out, TargetOut)


@router.get("/targets/lacks", operation_id="list_target_lacks", responses=answers(LackOut))
def list_target_lacks(ctx: Ctx, scope: Sees, wish: Wants, paging: Pages) -> Response:
    """What is missing where a rule is chosen and could propose no target this year."""
    rows = [
        LackOut(
            institution=one.institution,
            indicator=one.indicator,
            caliber=one.caliber,
            year=one.year,
            lack=one.lack.value,
            text=wish.name(*one.words),
        )
        for one in missing_targets(ctx.registry)
        if one.institution in scope.institutions
    ]
    return listed(wish, paging, rows, lambda row: (row.institution, row.indicator, row.caliber), LackOut)


@router.post("/targets", status_code=201, operation_id="propose_target")
def propose_target(ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.CORRECT))], body: ProposalIn) -> TargetOut:
    """Propose a target; it counts once somebody who may approve has issued it."""
    scope.find(body.scope, body.id)
    row = body.model_dump(mode="json") | {"state": "proposed", "unit": unit_of(body.indicator)}
    ctx.registry.import_sheets({"targets": [row]})
    return _out(_stored(ctx, body, "proposed"))


@router.post("/targets/issue", status_code=201, operation_id="issue_target")
def issue_target(ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.APPROVE))], body: IssueIn) -> TargetOut:
    """Issue a target with its document number (文号) and date; issued again, the new one takes its place."""
    scope.find(body.scope, body.id)
    value = body.value if body.value is not None else _stored(ctx, body, "proposed").value
    row = body.model_dump(mode="json") | {
        "state": "issued", "value": value, "unit": unit_of(body.indicator), "approved_by": scope.user, "file": "",
    }  # fmt: skip
    ctx.registry.issue_target(row, author=scope.user, time=ctx.now())
    return _out(_stored(ctx, body, "issued"))


def target_key(
    level: Level,
    id: Identity,  # noqa: A002 -- the name of the column
    year: Year,
    indicator: IndicatorKey,
    caliber: CaliberKey,
) -> TargetKey:
    """The target that a path names."""
    return TargetKey(scope=level, id=id, year=year, indicator=indicator, caliber=caliber)


Named = Annotated[TargetKey, Depends(target_key)]
_PAPER: Final = "/targets/{level}/{id}/{year}/{indicator}/{caliber}/paper"


@router.put(_PAPER, operation_id="put_target_paper")
def put_target_paper(
    ctx: Ctx,
    scope: Annotated[Scope, Depends(may(Action.APPROVE))],
    key: Named,
    name: Annotated[str, Query(min_length=1, max_length=120, examples=["通知.pdf"])],
    content: Annotated[bytes, RawBody(media_type=Papers)],
) -> TargetOut:
    """The paper that issued a target (PDF, image, Word or Excel), sent as the body."""
    scope.find(key.scope, key.id)
    return _out(attach(ctx, key, name, content))


@router.get(
    _PAPER,
    operation_id="read_target_paper",
    response_class=FileResponse,
    responses={200: {"content": {Papers: {"schema": BINARY}}, "description": "The paper, to be saved"}},
)
def read_target_paper(ctx: Ctx, scope: Sees, key: Named) -> FileResponse:
    """The paper of an issued target, to be saved."""
    scope.find(key.scope, key.id)
    stored, _, name = _stored(ctx, key, "issued").file.partition("|")
    folder = ctx.folder("proofs")
    path = folder / stored
    if not stored or path.parent != folder or not path.is_file():
        raise NotInRegistry("this target has no paper here")
    return FileResponse(path, media_type=proofs.media_type(stored), filename=name)


def attach(ctx: Context, key: TargetKey, name: str, content: bytes) -> Target:
    """Keep the paper of an issued target."""
    _stored(ctx, key, "issued")
    proof = proofs.keep(ctx.folder("proofs"), name, content)
    row = key.model_dump() | {"state": "issued", "file": f"{proof.stored}|{proof.name}"}
    ctx.registry.import_sheets({"targets": [row]})
    return _stored(ctx, key, "issued")


def unit_of(key: str) -> str:
    """Unit of an indicator; 422 for one that is not known."""
    try:
        return indicator_of(key).unit
    except ReferenceTableError as exc:
        raise wrong("body.indicator", "an indicator of the reference table", key) from exc


def _stored(ctx: Context, key: TargetKey, state: str) -> Target:
    names = ("scope", "id", "year", "indicator", "caliber")
    found = ctx.registry.targets.rows(**{name: getattr(key, name) for name in names}, state=state)
    if not found:
        raise NotInRegistry(f"a target that was {state} for this year is not known here")
    return found[0]


def _out(target: Target) -> TargetOut:
    same = TargetOut.model_fields.keys() - {"file"}
    return TargetOut(file=target.file.partition("|")[2], **{name: getattr(target, name) for name in same})
