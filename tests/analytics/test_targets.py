"""The target of a year by document and by rule, at and around every boundary, and its exact break-down."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.breakdown import break_down, in_steps
from analytics.levels import Levels
from analytics.targets import (
    LACK_WORDS,
    STANDING_WORDS,
    Document,
    FiveYearPath,
    FourBranches,
    Lack,
    NoTarget,
    OwnHistory,
    Record,
    Rule,
    Standing,
    TowardsPeers,
    YearTarget,
    issued,
    target_of_year,
)
from energy.breakdown import Breakdown
from energy.errors import BreakdownRefused

LEVELS = Levels(20.0, 12.0, 6.0)
DOCUMENT = Document("国管节能〔2026〕8号", date(2026, 1, 28), "targets-2026.pdf")


def record(last: float | None = None, **how: object) -> Record:
    known = {} if last is None else {2025: last}
    return Record(2026, "energy_per_area", "sd_2019", **{"actual": known, "levels": LEVELS, **how})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actual", "target"),
    [
        (25.0, 24.0),  # A > C: less 4 %
        (20.001, 20.001 * 0.96),  # just above C
        (20.0, 19.6),  # A = C keeps the constraint: less 2 %
        (19.999, 19.999 * 0.98),
        (12.001, 12.001 * 0.98),  # just above B
        (12.0, 11.0),  # A = B: the target of the year before
        (11.999, 11.0),
        (6.001, 11.0),  # just above G
        (6.0, 6.0),  # A = G: min(6.12, G)
        (5.95, 6.0),  # min(6.069, 6)
        (5.0, 5.1),  # A < G: plus 2 %
    ],
)
def test_the_four_branches_at_and_around_equality(actual: float, target: float) -> None:
    found = target_of_year(record(actual, last_target=11.0), rule=FourBranches())
    assert isinstance(found, YearTarget)
    assert found.value == pytest.approx(target, rel=1e-12)
    assert (found.standing, found.rule) == (Standing.PROPOSED, "four_branches")


def test_rounding_decides_no_branch() -> None:
    # 0.1 + 0.2 = 0.30000000000000004 is not above a constraint of 0.3
    found = target_of_year(record(0.1 + 0.2, levels=Levels(0.3, 0.2, 0.1)), rule=FourBranches())
    assert isinstance(found, YearTarget)
    assert found.value == pytest.approx(0.3 * 0.98)


@given(st.floats(0.5, 40), st.floats(0.04, 0.3), st.floats(0.02, 0.3), st.floats(0, 0.02))
def test_the_four_branches_agree_with_the_text(actual: float, strong: float, mild: float, rise: float) -> None:
    found = target_of_year(record(actual, last_target=11.0), rule=FourBranches(strong, mild, rise))
    if actual > 20:
        wanted = actual * (1 - strong)
    elif actual > 12:
        wanted = actual * (1 - mild)
    elif actual > 6:
        wanted = 11.0
    else:
        wanted = min(actual * (1 + rise), 6.0)
    assert isinstance(found, YearTarget)
    assert found.value == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("rule", "known", "lack"),
    [
        (None, record(10.0), Lack.NO_RULE),
        (FourBranches(), record(None), Lack.NO_ACTUAL),
        (FourBranches(), record(10.0, levels=None), Lack.NO_QUOTA),
        (FourBranches(), record(10.0, levels=Levels(guide=6.0)), Lack.NO_QUOTA),
        (FourBranches(), record(10.0), Lack.NO_LAST_TARGET),
        (FourBranches(), record(15.0, levels=Levels(constraint=20.0, guide=6.0)), Lack.NO_QUOTA),
        (FiveYearPath(2020, 0.05, "十四五"), record(10.0, actual={2020: 10.0}), Lack.OUTSIDE_PATH),
        (FiveYearPath(2025, 0.05, "十五五"), record(None), Lack.SHORT_HISTORY),
        (OwnHistory(0.06, "京"), record(None, actual={2025: 1.0, 2024: 1.0, 2023: 1.0, 2021: 1.0}), Lack.SHORT_HISTORY),
        (TowardsPeers(), record(10.0), Lack.NO_ACTUAL),
        (TowardsPeers(), record(10.0, normal=10.0), Lack.NO_PEERS),
    ],
)
def test_what_is_missing_is_named(rule: Rule | None, known: Record, lack: Lack) -> None:
    assert target_of_year(known, rule=rule) == NoTarget(2026, "energy_per_area", lack)
    assert all(LACK_WORDS[lack])


@pytest.mark.parametrize("actual", [25.0, 5.0])
def test_a_branch_needs_only_the_levels_it_speaks_of(actual: float) -> None:
    levels = Levels(constraint=20.0, guide=6.0)
    assert isinstance(target_of_year(record(actual, levels=levels), rule=FourBranches()), YearTarget)


@pytest.mark.parametrize("how", [(0.03, 0.02, 0.02), (0.04, 0.01, 0.02), (0.04, 0.02, 0.03), (0.04, 0.02, -0.01)])
def test_the_four_branches_stay_inside_the_bounds_of_the_notice(how: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"cuts >= 0\.04 and >= 0\.02 and a rise <= 0\.02"):
        FourBranches(*how)


def test_a_five_year_path_is_straight() -> None:
    rule = FiveYearPath(2025, 0.05, "十五五")
    values = []
    for year in range(2026, 2031):
        found = target_of_year(Record(year, "energy_per_area", "x", actual={2025: 20.0}), rule=rule)
        assert isinstance(found, YearTarget)
        values.append(found.value)
    assert values == pytest.approx([19.8, 19.6, 19.4, 19.2, 19.0])


def test_a_path_says_how_many_years_it_has() -> None:
    rule = FiveYearPath(2025, 0.06, "区三年行动计划", n_years=3)
    found = target_of_year(Record(2027, "energy_per_area", "x", actual={2025: 20.0}), rule=rule)
    assert isinstance(found, YearTarget)
    assert found.value == pytest.approx(19.2)
    assert found.how == (
        "2025 年 20, 3 年下降 6.0% 的第 2 年: 下降 4.00%",
        "20 in 2025; 6.0% less in 3 years, year 2: less 4.00%",
    )


def test_own_history_is_the_mean_of_five_years_less_the_cut() -> None:
    actual = {2021: 10.0, 2022: 11.0, 2023: 12.0, 2024: 13.0, 2025: 14.0, 2015: 99.0}
    found = target_of_year(record(None, actual=actual), rule=OwnHistory(0.06, "京发改2014"))
    assert isinstance(found, YearTarget)
    assert found.value == pytest.approx(12.0 * 0.94)
    assert found.source == "京发改2014"


@pytest.mark.parametrize(
    ("normal", "target"),
    [
        (20.0, 19.4),  # at most 3 % a year
        (12.2, 12.0),  # the peers' baseline value is nearer than 3 %
        (11.0, 11.0),  # below it: keeps the own
        (5.0, 6.0),  # never below the guide value
    ],
)
def test_a_path_towards_the_peers(normal: float, target: float) -> None:
    found = target_of_year(record(None, normal=normal, peer_baseline=12.0), rule=TowardsPeers())
    assert isinstance(found, YearTarget)
    assert found.value == pytest.approx(target)
    assert ("not below the guide value 6" in found.how[1]) == (target == 6.0)


def test_a_document_comes_before_an_approval_and_that_before_a_rule() -> None:
    known = record(25.0)
    proposal = target_of_year(known, rule=FourBranches())
    assert isinstance(proposal, YearTarget)
    approved = proposal.approved("张三", date(2026, 1, 20))
    paper = issued(known, 23.0, DOCUMENT)
    later = record(30.0)  # data that came later
    assert target_of_year(later, set_by=paper, approved=approved, rule=FourBranches()) is paper
    assert target_of_year(later, approved=approved, rule=FourBranches()) is approved
    assert (paper.standing, paper.document, paper.source) == (Standing.ISSUED, DOCUMENT, "国管节能〔2026〕8号")
    assert (approved.standing, approved.approved_by, approved.value) == (Standing.APPROVED, "张三", 24.0)


def test_a_proposal_says_so_and_how_it_was_found() -> None:
    found = target_of_year(record(25.0), rule=FourBranches())
    assert isinstance(found, YearTarget)
    assert STANDING_WORDS[found.standing] == ("建议值", "proposed")
    assert found.how == ("上年实际 25 高于约束值: 下降 4.0%", "last year 25, above the constraint value: less 4.0%")


def test_only_a_person_approves_and_only_a_proposal() -> None:
    found = target_of_year(record(25.0), rule=FourBranches())
    assert isinstance(found, YearTarget)
    with pytest.raises(ValueError, match="nobody was named"):
        found.approved("", date(2026, 1, 1))
    with pytest.raises(ValueError, match="only a proposal"):
        issued(record(), 5.0, DOCUMENT).approved("张三", date(2026, 1, 1))


def test_a_target_of_another_year_or_caliber_is_refused() -> None:
    paper = issued(Record(2025, "energy_per_area", "sd_2019"), 5.0, DOCUMENT)
    with pytest.raises(ValueError, match="expected 2026 / energy_per_area / sd_2019, got 2025"):
        target_of_year(record(), set_by=paper)
    with pytest.raises(ValueError, match="expected a positive value"):
        issued(record(), 0.0, DOCUMENT)


# ---- break-down


def test_parts_and_reserve_add_up_to_the_last_digit() -> None:
    found = break_down(Decimal("100.00"), {"a": 1.0, "b": 1.0, "c": 1.0}, reserve=Decimal("10.00"))
    assert found.parts == {"a": Decimal("30.00"), "b": Decimal("30.00"), "c": Decimal("30.00")}
    thirds = break_down(Decimal("100.00"), {"a": 1.0, "b": 1.0, "c": 1.0})
    assert thirds.parts == {"a": Decimal("33.34"), "b": Decimal("33.33"), "c": Decimal("33.33")}


amounts = st.decimals(0, 10**9, places=2)


@given(amounts, st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.floats(0, 1e9), min_size=1, max_size=30))
def test_a_break_down_is_exact_and_within_a_step_of_its_share(total: Decimal, weights: dict[str, float]) -> None:
    weights["z"] = 1.0
    reserve = (total / 10).quantize(Decimal("0.01"))
    found = break_down(total, weights, reserve=reserve)
    assert sum(found.parts.values()) + found.reserve == total
    whole = sum(weights.values())
    for name, weight in weights.items():
        share = float(total - reserve) * (weight / whole)
        assert abs(float(found.parts[name]) - share) <= 0.01 + 1e-12 * float(total)


def test_fixed_parts_keep_their_amount() -> None:
    found = break_down(Decimal("100"), {"b": 3.0, "c": 1.0}, fixed={"a": Decimal("20")}, step=Decimal("1"))
    assert found.parts == {"a": Decimal("20"), "b": Decimal("60"), "c": Decimal("20")}


def test_levels_of_the_tree_use_the_same_function() -> None:
    city = break_down(Decimal("1000.00"), {"bureau": 2.0, "school": 1.0}, reserve=Decimal("100.00"))
    house = break_down(city.parts["school"], {"b1": 0.7, "b2": 0.3})
    assert house.parts == {"b1": Decimal("210.00"), "b2": Decimal("90.00")}


@pytest.mark.parametrize(
    ("total", "weights", "how", "message"),
    [
        ("10", {"a": 1.0}, {"reserve": Decimal("11")}, "exceed the total 10 by 1"),
        ("10", {"a": float("nan"), "b": 1.0}, {}, "unknown or negative of a"),
        ("10", {"a": -1.0}, {}, "unknown or negative of a"),
        ("10", {"a": 0.0}, {}, "all weights are 0"),
        ("10.005", {"a": 1.0}, {}, "no whole number of steps"),
    ],
)
def test_what_cannot_be_divided_is_refused(
    total: str, weights: dict[str, float], how: dict[str, Decimal], message: str
) -> None:
    with pytest.raises(BreakdownRefused, match=message):
        break_down(Decimal(total), weights, **how)  # type: ignore[arg-type]


def test_a_break_down_that_does_not_add_up_cannot_be_made() -> None:
    with pytest.raises(BreakdownRefused, match=r"parts \+ reserve = 10, got 9, -1 too much"):
        Breakdown(Decimal(10), {"a": Decimal(5)}, Decimal(4))
    with pytest.raises(BreakdownRefused, match="negative parts: reserve"):
        Breakdown(Decimal(10), {"a": Decimal(11)}, Decimal(-1))


def test_a_change_takes_from_the_reserve_and_no_further() -> None:
    before = Breakdown(Decimal(10), {"a": Decimal(5), "b": Decimal(3)}, Decimal(2))
    after = before.changed("a", Decimal(7))
    assert (after.parts, after.reserve) == ({"a": Decimal(7), "b": Decimal(3)}, Decimal(0))
    assert after.changed("b", Decimal(1)).reserve == Decimal(2)
    with pytest.raises(BreakdownRefused, match="a asks for 3 more, the reserve holds 2"):
        before.changed("a", Decimal(8))
    with pytest.raises(BreakdownRefused, match="no part 'x'"):
        before.changed("x", Decimal(1))


def test_amounts_are_cut_to_whole_steps_never_up() -> None:
    assert in_steps(12.349) == Decimal("12.34")
    assert in_steps(12.34) == Decimal("12.34")
