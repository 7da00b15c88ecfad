"""Bills of manual meters: what a supplier charged for which days."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Response
from pydantic import Field

from analytics import bills as audited
from analytics.jobs.audits import JudgedBill, judged_bills
from api.answers import Pages, Wants, Wish, answers, listed
from api.callers import Sees, may
from api.context import Context, Ctx
from api.schemas import Asked, Body, Identity, Text
from api.scope import Action, Scope
from api.stored import Shown
from api.strict import noun
from api.times import Day
from energy.units import CANONICAL

router = noun("decisions", "/bills")
_EPOCH: Final = date(1970, 1, 1)


class BillOut(Body):
    """A bill; both days belong to it."""

    meter: str
    institution: str
    first_day: Day
    last_day: Day
    amount: float
    unit: str
    yuan: float | None
    document: str
    note: str


class BillIn(Asked):
    """A bill of a meter of kind manual; the same meter and first day again replaces it."""

    meter: Identity
    first_day: Day
    last_day: Day
    amount: float = Field(examples=[12840.0])
    unit: Annotated[str, Field(max_length=16, examples=["kWh"])]
    yuan: float | None = None
    document: Text = ""
    note: Text = ""


class AuditOut(Body):
    """A bill held against tariff and meters; null = cannot be told."""

    meter: str
    first_day: Day
    last_day: Day
    amount: float = Field(description="billed, in `unit`")
    unit: str = Field(description="canonical unit of the meter's category")
    yuan: float | None = Field(description="billed")
    computed_yuan: float | None = Field(description="by the tariff: energy, and the charges of whole months")
    money_difference: float | None = Field(description="billed / computed - 1, as a fraction")
    metered: float | None = Field(description="counted by the meters of the same days")
    amount_difference: float | None = Field(description="metered / billed - 1, as a fraction")
    meters: list[str] = Field(description="the meters it was compared with")
    needs_explanation: bool
    text: str


@router.get("/audits", operation_id="list_bill_audits", responses=answers(AuditOut))
def list_bill_audits(
    ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, institution: Annotated[str, Query(max_length=64)]
) -> Response:
    """Every bill of an institution: does the money follow from the tariff, the amount from the meters?"""
    rows = [_audit(scope, wish, one) for one in judged(ctx, scope, institution)]
    return listed(wish, paging, rows, lambda row: (row.meter, row.first_day.isoformat()), AuditOut)


def judged(ctx: Context, scope: Scope, institution: str) -> list[JudgedBill]:
    """The bills of a visible institution, judged."""
    scope.institution(institution)
    zone = ctx.zone_of(institution)
    return judged_bills(ctx.store, ctx.registry, scope.snapshot, institution, zone=zone)


def days_of(bill: audited.Bill) -> tuple[date, date]:
    """First and last day of a bill."""
    return _EPOCH + timedelta(days=bill.first_day), _EPOCH + timedelta(days=bill.end_day - 1)


@router.get("", operation_id="list_bills", responses=answers(BillOut))
def list_bills(
    ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, meter: str | None = None, institution: str | None = None
) -> Response:
    """Bills of the meters you see, oldest first."""
    wanted: dict[str, object] = {}
    if institution is not None:
        scope.institution(institution)
        wanted["meter"] = scope.snapshot.meters_of(institution)
    if meter is not None:
        of = scope.meter(meter).institution
        wanted["meter"] = [meter] if institution in (None, of) else []
    found = ctx.registry.bills.listing("meter", "first_day", **wanted)
    mine = Shown(found, ("meter",), lambda name: scope.sees("meter", name))
    return mine.answer(wish, paging, lambda bill: _out(scope, bill), BillOut)


@router.put("", operation_id="put_bill")
def put_bill(ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.BILL))], body: BillIn) -> BillOut:
    """Enter a bill or bring one up to date; refused with every reason where it cannot be true."""
    scope.meter(body.meter)
    ctx.registry.import_sheets({"bills": [body.model_dump(mode="json")]})
    (stored,) = ctx.registry.bills.rows(meter=body.meter, first_day=body.first_day)
    return _out(scope, stored)


@router.delete("/{meter}/{first_day}", status_code=204, operation_id="delete_bill")
def delete_bill(ctx: Ctx, scope: Annotated[Scope, Depends(may(Action.BILL))], meter: str, first_day: Day) -> None:
    """Take a bill out that was entered in error."""
    scope.meter(meter)
    ctx.registry.remove_rows("bills", [{"meter": meter, "first_day": first_day}])


def _audit(scope: Scope, wish: Wish, one: JudgedBill) -> AuditOut:
    first, last = days_of(one.bill)
    against = one.amount
    return AuditOut(
        meter=one.meter,
        first_day=first,
        last_day=last,
        amount=one.bill.amount,
        unit=CANONICAL[scope.meter(one.meter).category],
        yuan=one.bill.yuan,
        computed_yuan=known(one.money.computed),
        money_difference=known(one.money.relative),
        metered=known(against.metered) if against else None,
        amount_difference=known(against.relative) if against else None,
        meters=list(one.meters),
        needs_explanation=one.needs_explanation,
        text=wish.name(*one.words),
    )


def known(value: float) -> float | None:
    """A number for JSON: null where it is unknown."""
    return value if math.isfinite(value) else None


def _out(scope: Scope, bill: Any) -> BillOut:
    same = BillOut.model_fields.keys() - {"institution"}
    institution = scope.meter(bill.meter).institution
    return BillOut(institution=institution, **{name: getattr(bill, name) for name in same})
