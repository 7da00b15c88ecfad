"""Bills of manual meters: what a supplier charged for which days."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic import Field

from api.answers import Pages, Wants, answers, listed
from api.callers import Sees, may
from api.context import Ctx
from api.schemas import Asked, Body, Identity, Text
from api.scope import Action, Scope
from api.strict import noun
from api.times import Day

router = noun("decisions", "/bills")


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


@router.get("", operation_id="list_bills", responses=answers(BillOut))
def list_bills(
    ctx: Ctx, scope: Sees, wish: Wants, paging: Pages, meter: str | None = None, institution: str | None = None
) -> Response:
    """Bills of the meters you see, oldest first."""
    if institution is not None:
        scope.institution(institution)
    if meter is not None:
        scope.meter(meter)
    found = ctx.registry.bills.rows(**({} if meter is None else {"meter": meter}))
    rows = [_out(scope, bill) for bill in found if scope.sees("meter", bill.meter)]
    wanted = [row for row in rows if institution in (None, row.institution)]
    return listed(wish, paging, wanted, lambda row: (row.meter, row.first_day.isoformat()), BillOut)


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


def _out(scope: Scope, bill: Any) -> BillOut:
    same = BillOut.model_fields.keys() - {"institution"}
    institution = scope.meter(bill.meter).institution
    return BillOut(institution=institution, **{name: getattr(bill, name) for name in same})
