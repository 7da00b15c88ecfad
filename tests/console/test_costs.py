"""How the console shows a cost: as it is, as a bound, or with the reason why it is not known."""

from __future__ import annotations

import math

import pytest

from api.console.show import Show
from api.console.words import WORDS
from energy.model import CostNote


def test_nothing_has_no_sign() -> None:
    shown = Show("en", "Asia/Shanghai")
    assert (shown.share(-6.6e-15, 1), shown.num(-0.004, 2), shown.num(-0.006, 2)) == ("0.0 %", "0.00", "−0.01")


def test_a_known_cost_stands_alone() -> None:
    assert Show("en", "Asia/Shanghai").cost(1234.4, math.nan) == "1,234"


def test_a_bound_says_at_least() -> None:
    shown = Show("en", "Asia/Shanghai").cost(1234.4, float(CostNote.DEMAND_FROM_LONGER_MEANS))
    assert shown.startswith("≥ 1,234 <small>at least")
    assert "至少" in Show("zh", "Asia/Shanghai").cost(1234.4, float(CostNote.STEP_BOUND))


@pytest.mark.parametrize("note", [note for note in CostNote if note and not note.is_bound])
def test_an_unknown_cost_says_why(note: CostNote) -> None:
    shown = Show("en", "Asia/Shanghai").cost(math.nan, float(note))
    assert f"<small>{WORDS['en'][f'costnote_{note.word}']}</small>" in shown
