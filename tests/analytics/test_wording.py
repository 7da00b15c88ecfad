"""Findings in words: every sentence follows from the numbers, and claims no more than they tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analytics.detection.kinds import Kind
from analytics.findings import Finding
from analytics.wording import FindingText, describe
from energy.intervals import HOUR


def finding(excess: float, *, hours: int = 24, kind: Kind = Kind.LEVEL, unit: str = "kWh") -> Finding:
    """100 are usual."""
    return Finding("a", kind, 0, hours * HOUR, 100 + excess, 100, unit, 0.8)


def test_words_come_from_the_numbers() -> None:
    text = describe(finding(30, hours=30))
    assert text.text_en == "130 kWh in 30 h where about 100 kWh is usual: 30.0 kWh more (+30 %)."
    assert text.text_zh == "30 小时内用 130 kWh，平时约 100 kWh，多 30.0 kWh（+30 %）。"


def test_long_times_are_told_in_days() -> None:
    # By hand: 593 h are 24.7 days, 71 h not yet three, and 96 h four.
    assert "24.7 天内" in describe(finding(30, hours=593)).text_zh
    assert "in 71 h where" in describe(finding(30, hours=71)).text_en
    assert "in 4 days where" in describe(finding(30, hours=96)).text_en


def test_words_follow_the_direction() -> None:
    def words(kind: Kind, excess: float) -> FindingText:
        return describe(finding(excess, hours=72, kind=kind))

    assert "head meter rose" in words(Kind.BALANCE, 30).check_en
    assert "head meter fell" in words(Kind.BALANCE, -30).check_en
    assert "30.0 kWh too much below it" in words(Kind.BALANCE, -30).text_en
    assert "at most 100 °C: 2 °C too warm" in words(Kind.SET_POINT, 2).text_en
    assert "低 2 °C" in words(Kind.SET_POINT, -2).text_zh
    assert "equipment" in words(Kind.SLOW_CHANGE, 30).causes_en
    assert "less and less" in words(Kind.SLOW_CHANGE, -30).causes_en


@pytest.mark.parametrize("unit", ["kWh", "m3", "GJ"])
@pytest.mark.parametrize("excess", [30, 1, -30, -100, float("nan")])
@pytest.mark.parametrize("hours", [3, 24, 300])
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_words_in_both_languages(kind: Kind, hours: int, excess: float, unit: str) -> None:
    text = describe(finding(excess, hours=hours, kind=kind, unit=unit))
    assert "{" not in text.text_zh + text.text_en
    assert all(getattr(text, name) for name in FindingText.__slots__)


def test_where_the_sum_is_as_usual_the_hours_are_told_and_no_excess() -> None:
    assert describe(finding(2)).title_en == "Use at unusual hours"
    assert describe(finding(4)).title_en == "Use stays high"


def test_a_night_flow_is_told_by_the_hour_and_in_cubic_metres_as_people_write_them() -> None:
    # 100 m3 are usual in 50 h of the least flow, and 150 are counted: 3 and 2 m3/h.
    leak = finding(50, hours=50, kind=Kind.NIGHT_FLOW, unit="m3")
    assert "is 3.00 m³/h where about 2.00 m³/h is usual: 50.0 m³ more" in describe(leak).text_en


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("hours", [3, 72])
def test_pipes_have_no_phases_and_no_light_and_wires_no_valves_and_no_leaks(kind: Kind, hours: int) -> None:
    for excess in (30, 1, -30):
        pipe, wire = (describe(finding(excess, hours=hours, kind=kind, unit=unit)) for unit in ("m3", "kWh"))
        in_pipe, in_wire = (" ".join(getattr(text, name) for name in FindingText.__slots__) for text in (pipe, wire))
        if kind not in (Kind.BASE_LOAD, Kind.SET_POINT):  # told of electricity and of rooms alone
            assert not any(
                word in in_pipe for word in ("phase", "相电", "缺相", "light", "照明", "互感器", "Transformer")
            )
        if kind not in (Kind.NIGHT_FLOW, Kind.SET_POINT):
            assert not any(word in in_wire for word in ("valve", "阀", "leak", "Seepage", "渗漏", "泄漏"))


def test_what_does_not_last_a_day_does_not_stay() -> None:
    assert describe(finding(-30, hours=23, kind=Kind.LOW)).title_en == "Use falls for a short time"
    assert describe(finding(-30, hours=24, kind=Kind.LOW)).title_en == "Use stays low"
    brief = describe(finding(30, hours=9))
    assert brief.title_zh == "用量短时偏高"
    assert "New equipment" not in brief.causes_en  # nobody can know that after a morning


def test_hours_of_work_lie_in_the_span_of_a_high_use_outside_them() -> None:
    text = describe(finding(60, hours=260, kind=Kind.OFF_HOURS))
    assert (
        text.text_en == "60.0 kWh too much in 10.8 days, most of it outside working hours (160 kWh in all; "
        "about 100 kWh is usual)."
    )


def test_what_is_zero_half_of_the_time_is_not_called_zero() -> None:
    text = describe(finding(-60, hours=32, kind=Kind.ZERO))  # a chiller that ran for a third of the time
    assert text.text_zh == "32 小时内过半时段几乎没有用量：共 40.0 kWh，平时约 100 kWh。"


def test_a_small_multiple_is_a_share_and_a_large_one_is_no_percentage() -> None:
    assert "about 9.7 % of the usual" in describe(finding(-90.3, kind=Kind.SCALE)).text_en
    assert "约为平时的 1.9 倍" in describe(finding(90, kind=Kind.SCALE)).text_zh
    assert "about 120 times the usual" in describe(finding(11_900, kind=Kind.SCALE)).text_en  # no exponent
    assert describe(finding(1_500)).text_en.endswith("1,500 kWh more (about 16 times).")
    unheard_of = replace(finding(0), actual=5.0, usual=0.0)
    assert describe(unheard_of).text_en == "5.00 kWh in 24 h where about 0 kWh is usual: 5.00 kWh more."


def test_a_gap_after_which_nothing_was_counted_is_no_catch_up() -> None:
    gap = finding(0, hours=57, kind=Kind.GAP_CATCHUP, unit="GJ")
    assert "all at once: 100 GJ in 57 h" in describe(gap).text_en
    assert describe(replace(gap, actual=0.0)).text_zh == "57 小时没有读数，前后表码相同（平时约 100 GJ）。"
    assert describe(replace(gap, actual=float("nan"))).text_en == "Use is not known for 57 h (about 100 GJ is usual)."
