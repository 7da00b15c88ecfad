"""Who and where: regions, institutions, buildings, meters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field

from analytics.jobs.known import known_of
from api.answers import Pages, Wants, Wish, answers, listed, one, sought
from api.callers import Sees
from api.context import Context, Ctx
from api.schemas import Body
from api.scope import Scope
from api.strict import noun
from api.times import Instant
from energy.intervals import LocalCalendar
from energy.model import Category, Meter, Swap, UsedBy
from energy.registry import Building, Institution, Region

router = noun("registry")
Search = Annotated[str | None, Query(max_length=100, description="part of a name or id")]
Name = Annotated[str, Field(description="name in the language of Accept-Language")]


class RegionOut(Body):
    """An administrative area."""

    code: str = Field(description="GB/T 2260", examples=["990101"])
    name: Name
    name_zh: str
    name_en: str
    parent: str | None = Field(description="null at the top of what you see")
    climate_zone: str | None
    n_institutions: int = Field(description="institutions in it and below")


class InstitutionOut(Body):
    """A public institution (公共机构)."""

    id: str = Field(examples=["jd-zf"])
    name: Name
    name_zh: str
    name_en: str
    region: str
    parent: str | None
    type: str = Field(description="statistics code 01, 021 .. 026, 03")
    department: str | None = Field(description="主管部门 today")
    tier: str | None
    quota_class: str | None
    climate_zone: str | None
    zone: str = Field(description="time zone of its days")
    n_buildings: int
    n_meters: int
    floor_area_m2: float | None = Field(description="today; null = not stated")
    users: float | None = Field(description="用能人数 today; null = not stated")


class BuildingOut(Body):
    """A building."""

    id: str
    name: Name
    name_zh: str
    name_en: str
    institution: str
    site: str | None
    letter: str | None = Field(description="type letter A .. H of the 住建部 guide")
    n_meters: int
    floor_area_m2: float | None


class SwapOut(Body):
    """A meter exchange."""

    time: Instant
    old_end: float | None
    new_start: float
    old_ratio: float
    new_ratio: float


class MeterOut(Body):
    """A meter or sensor."""

    id: str
    name: Name
    name_zh: str
    name_en: str
    institution: str
    building: str | None
    gateway: str | None
    local: str | None = Field(description="what its gateway calls it")
    category: Category
    item: str = Field(description="end-use code; empty = the whole")
    kind: str
    value_kind: str = Field(description="register, measurement or amount")
    quantity: str
    unit: str
    digits: int | None
    ratio: float = Field(description="CT x PT")
    rated_kw: float | None
    interval_s: int
    parent: str | None
    formula: str | None
    used_by: UsedBy = Field(
        description="others = a shop let, piles for others' vehicles: not in the figures of building and institution"
    )
    place: str | None
    active_from: date | None
    active_to: date | None


class ExpectationOut(Body):
    """What stands behind the expected use and the findings of a meter."""

    fitted_from: Instant | None = Field(description="null = measured for too short a time, nothing is expected yet")
    fitted_to: Instant | None
    version: int
    has_temperature: bool = Field(description="false = no outdoor temperature was known: calendar terms alone")
    uses_temperature: bool
    days_known: float | None = Field(description="share of days with 90 % of their intervals")
    lowest_month: float | None
    cv_rmse: float | None
    nmbe: float | None
    lacking: list[str] = Field(
        description="period, days, month (CalTRACK 2.0), cv_rmse, nmbe (ASHRAE 14); empty = enough"
    )
    is_watched: bool = Field(description="false = less than half of the year before was measured: hours are not judged")


class MeterDetail(MeterOut):
    """A meter with its swaps and what is behind it."""

    children: list[str]
    swaps: list[SwapOut]
    last_time: Instant | None = Field(description="newest reading; null = none yet")
    last_value: float | None
    expectation: ExpectationOut


@router.get("/regions", operation_id="list_regions", responses=answers(RegionOut))
def list_regions(scope: Sees, wish: Wants, paging: Pages) -> Response:
    """Regions of your node and below. A department or institution sees none."""
    rows = [_region(scope, wish, scope.region(code)) for code in scope.regions]
    return listed(wish, paging, rows, lambda row: (row.code,), RegionOut)


@router.get("/regions/{region}", operation_id="read_region", response_model=RegionOut)
def read_region(scope: Sees, wish: Wants, region: str) -> Response:
    """One region."""
    return one(wish, _region(scope, wish, scope.region(region)))


@router.get("/institutions", operation_id="list_institutions", responses=answers(InstitutionOut))
def list_institutions(
    ctx: Ctx,
    scope: Sees,
    wish: Wants,
    paging: Pages,
    region: str | None = None,
    type_: Annotated[str | None, Query(alias="type")] = None,
    q: Search = None,
) -> Response:
    """Institutions, optionally of a region and below, of a type, or by a part of their name."""
    wanted = scope.institutions
    if region is not None:
        scope.region(region)
        wanted = wanted.intersection(scope.snapshot.institutions_below(region))
    found = (scope.institution(i) for i in wanted)
    mine = (i for i in found if type_ in (None, i.type) and _matches(q, i.id, i.name_zh, i.name_en))
    return sought(wish, paging, mine, lambda i: (i.region, i.id), _institutions(ctx, scope, wish), InstitutionOut)


@router.get("/institutions/{institution}", operation_id="read_institution", response_model=InstitutionOut)
def read_institution(ctx: Ctx, scope: Sees, wish: Wants, institution: str) -> Response:
    """One institution."""
    return one(wish, _institutions(ctx, scope, wish)(scope.institution(institution)))


@router.get("/buildings", operation_id="list_buildings", responses=answers(BuildingOut))
def list_buildings(
    ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, institution: str | None = None, q: Search = None
) -> Response:
    """Buildings, optionally of one institution."""
    if institution is not None:
        scope.institution(institution)
    found = (b for b in scope.buildings() if institution in (None, b.institution))
    mine = (b for b in found if _matches(q, b.id, b.name_zh, b.name_en))
    return sought(wish, paging, mine, lambda b: (b.id,), _buildings(ctx, scope, wish), BuildingOut)


@router.get("/buildings/{building}", operation_id="read_building", response_model=BuildingOut)
def read_building(ctx: Ctx, scope: Sees, wish: Wants, building: str) -> Response:
    """One building."""
    return one(wish, _buildings(ctx, scope, wish)(scope.building(building)))


@router.get("/meters", operation_id="list_meters", responses=answers(MeterOut))
def list_meters(
    scope: Sees,
    wish: Wants,
    paging: Pages,
    institution: str | None = None,
    building: str | None = None,
    category: Category | None = None,
    q: Search = None,
) -> Response:
    """Meters and sensors, optionally of one institution, building or category."""
    if institution is not None:
        scope.institution(institution)
    if building is not None:
        scope.building(building)
    known = scope.meters() if institution is None else map(scope.meter, scope.snapshot.meters_of(institution))
    mine = (
        m
        for m in known
        if building in (None, m.building) and category in (None, m.category) and _matches(q, m.id, *_names(scope, m))
    )
    return sought(wish, paging, mine, lambda m: (m.id,), lambda m: MeterOut(**_meter(scope, wish, m)), MeterOut)


@router.get("/meters/{meter}", operation_id="read_meter", response_model=MeterDetail)
def read_meter(ctx: Ctx, scope: Sees, wish: Wants, meter: str) -> Response:
    """One meter, its swaps, what is behind it, and its newest reading."""
    found = scope.meter(meter)
    last = ctx.store.latest([meter]).get(meter)
    detail = MeterDetail(
        **_meter(scope, wish, found),
        children=sorted(filter(lambda child: scope.sees("meter", child), scope.snapshot.children(meter))),
        swaps=[_swap(swap) for swap in scope.snapshot.swaps.get(meter, ())],
        last_time=last[0] if last else None,
        last_value=last[1] if last else None,
        expectation=_expectation(ctx, found),
    )
    return one(wish, detail)


def _expectation(ctx: Context, meter: Meter) -> ExpectationOut:
    known = known_of(ctx.registry, meter.id, LocalCalendar(ctx.zone_of(meter.institution)), ctx.now())
    return ExpectationOut(
        fitted_from=known.period.start if known.period else None,
        fitted_to=known.period.end if known.period else None,
        version=known.version,
        has_temperature=known.has_weather,
        uses_temperature=known.uses_weather,
        days_known=known.days,
        lowest_month=known.lowest_month,
        cv_rmse=known.cv_rmse,
        nmbe=known.nmbe,
        lacking=list(known.lacking),
        is_watched=known.is_watched,
    )


def _region(scope: Scope, wish: Wish, region: Region) -> RegionOut:
    return RegionOut(
        code=region.code,
        name=wish.name(region.name_zh, region.name_en),
        name_zh=region.name_zh,
        name_en=region.name_en,
        parent=region.parent if region.parent in scope.regions else None,
        climate_zone=region.climate_zone,
        n_institutions=len(scope.snapshot.institutions_below(region.code)),
    )


def _institutions(ctx: Context, scope: Scope, wish: Wish) -> Callable[[Institution], InstitutionOut]:
    snapshot, today = scope.snapshot, ctx.today()
    n_meters = Counter(meter.institution for meter in snapshot.meters.values())
    n_buildings = Counter(building.institution for building in snapshot.buildings.values())

    def show(i: Institution) -> InstitutionOut:
        area = snapshot.denominator_on("institution", i.id, "floor_area", today)
        users = snapshot.denominator_on("institution", i.id, "users", today)
        return InstitutionOut(
            id=i.id,
            name=wish.name(i.name_zh, i.name_en),
            name_zh=i.name_zh,
            name_en=i.name_en,
            region=i.region,
            parent=i.parent if i.parent in scope.institutions else None,
            type=i.type,
            department=snapshot.department_of(i.id, today),
            tier=i.tier,
            quota_class=i.quota_class,
            climate_zone=snapshot.climate_zone_of(i.id),
            zone=snapshot.zone_of(i.id) or ctx.zone,
            n_buildings=n_buildings[i.id],
            n_meters=n_meters[i.id],
            floor_area_m2=area.value if area else None,
            users=users.value if users else None,
        )

    return show


def _buildings(ctx: Context, scope: Scope, wish: Wish) -> Callable[[Building], BuildingOut]:
    snapshot, today = scope.snapshot, ctx.today()
    n_meters = Counter(meter.building for meter in snapshot.meters.values())

    def show(b: Building) -> BuildingOut:
        area = snapshot.denominator_on("building", b.id, "floor_area", today)
        return BuildingOut(
            id=b.id,
            name=wish.name(b.name_zh, b.name_en),
            name_zh=b.name_zh,
            name_en=b.name_en,
            institution=b.institution,
            site=b.site,
            letter=b.letter,
            n_meters=n_meters[b.id],
            floor_area_m2=area.value if area else None,
        )

    return show


def _names(scope: Scope, meter: Meter) -> tuple[str, str]:
    return scope.snapshot.meter_names.get(meter.id, ("", ""))


def _meter(scope: Scope, wish: Wish, m: Meter) -> dict[str, Any]:
    """The columns of a meter; both shapes of it have them."""
    zh, en = _names(scope, m)
    same = (
        "id", "institution", "building", "gateway", "local", "category", "item", "kind", "value_kind", "quantity",
        "unit", "digits", "ratio", "rated_kw", "interval_s", "formula", "used_by", "place", "active_from", "active_to",
    )  # fmt: skip
    parent = m.parent if m.parent is not None and scope.sees("meter", m.parent) else None
    names = {"name": wish.name(zh, en) or m.id, "name_zh": zh, "name_en": en}
    return {**names, **{column: getattr(m, column) for column in same}, "parent": parent}


def _swap(swap: Swap) -> SwapOut:
    return SwapOut(
        time=swap.time,
        old_end=swap.old_end,
        new_start=swap.new_start,
        old_ratio=swap.old_ratio,
        new_ratio=swap.new_ratio,
    )


def _matches(q: str | None, *texts: str) -> bool:
    return q is None or any(q.lower() in text.lower() for text in texts)
