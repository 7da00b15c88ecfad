"""公示: what was approved stays as it was, whatever the data become; a correction is a note."""

from __future__ import annotations

import pytest

from api import reports
from api.context import Context
from api.reports import Span, correct, differences, publish
from api.reports.document import Document, Paragraph
from api.reports.publishing import find, identity, published_document
from energy.errors import Forbidden, NotInRegistry, RegistryError
from energy.registry import Node, Role
from tests.reports.world import chief, of, start, total
from tests.results import write

QUARTER = Span(2025, 1)


def page(ctx: Context) -> Document:
    return published_document(ctx, chief(ctx), find(ctx, chief(ctx), "school", QUARTER), "zh")


def change(ctx: Context) -> None:
    """March turns out to be 2900 kWh instead of 3000."""
    where = {
        "scope": ["institution"],
        "id": ["school"],
        "period": ["month"],
        "category": ["electricity"],
        "item": ["all"],
    }
    write(ctx.store, "total", [total("electricity", "month", start(2025, 3, 1), 2900.0, 0.7, 2025)], where)


def test_published_figures_stay_when_the_data_change(fresh: Context) -> None:
    publish(fresh, chief(fresh), "school", QUARTER)
    before = page(fresh)
    assert before.tables[0].rows[0][2] == pytest.approx(6000.0)
    assert before.tables[1].rows[0][2] == pytest.approx(737.4)  # 122.9 + 245.8 + 368.7 kgce
    change(fresh)
    assert page(fresh) == before
    published = find(fresh, chief(fresh), "school", QUARTER)
    expected = ["电 6,000.0 → 5,900.0 kWh", "电费用 4,200.0 → 4,130.0 元"]  # 100 kWh at 0.7 yuan
    assert differences(fresh, chief(fresh), published) == expected


def test_a_quarter_that_is_not_over_cannot_be_published(fresh: Context) -> None:
    december = Context(fresh.registry, fresh.store, fresh.zone, clock=lambda: start(2025, 12, 20))
    with pytest.raises(RegistryError, match="expected a quarter that is over, 2025Q4 is not"):
        publish(december, chief(december), "school", Span(2025, 4))


def test_publications_of_long_names_keep_apart() -> None:
    names = ["x" * 60 + end for end in ("aaaa", "bbbb")]
    made = {identity(name, QUARTER) for name in names}
    assert len(made) == 2
    assert {len(one) for one in made} == {64}
    assert identity("school", QUARTER) == "school-2025Q1"


def test_a_correction_appears_as_a_note(fresh: Context) -> None:
    published = publish(fresh, chief(fresh), "school", QUARTER)
    change(fresh)
    before = page(fresh)
    correct(fresh, chief(fresh), published, "3 月电量更正为 2,900 kWh")
    after = page(fresh)
    assert after.tables == before.tables
    assert after.blocks[-1] == Paragraph("更正说明 1（2026-01-10，chief）：3 月电量更正为 2,900 kWh")
    for fmt in reports.FORMATS:
        assert len(reports.publication(fresh, chief(fresh), "school", QUARTER, fmt)) > 4000


def test_a_quarter_is_published_once(fresh: Context) -> None:
    publish(fresh, chief(fresh), "school", QUARTER)
    with pytest.raises(RegistryError, match="was published already"):
        publish(fresh, chief(fresh), "school", QUARTER)


def test_only_an_approver_of_the_institution_publishes(fresh: Context) -> None:
    with pytest.raises(Forbidden):
        publish(fresh, of(fresh, Node("institution", "school"), Role.STATISTICIAN), "school", QUARTER)
    with pytest.raises(NotInRegistry):
        publish(fresh, of(fresh, Node("institution", "office"), Role.APPROVER), "school", QUARTER)
    publish(fresh, of(fresh, Node("institution", "school"), Role.APPROVER), "school", QUARTER)
    with pytest.raises(NotInRegistry):
        find(fresh, of(fresh, Node("institution", "office")), "school", QUARTER)


def test_what_was_not_published_is_not_there(fresh: Context) -> None:
    with pytest.raises(NotInRegistry, match="has published nothing of 2025 quarter 1"):
        find(fresh, chief(fresh), "school", QUARTER)
