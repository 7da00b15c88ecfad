"""Peer groups, driver adjustment, tiers with intervals, anonymity, ranking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from analytics.disclosure import may_show, shared_quantile
from analytics.levels import Levels, OutlierRule, Shares, clean
from analytics.peers import (
    NOTE_WORDS,
    DriverModel,
    Note,
    PeerTiers,
    ToldTiers,
    choose_groups,
    fit_drivers,
    no_drivers,
    peer_tiers,
)
from analytics.ranking import RANK_WORDS, RankState, rank
from energy.series import FloatArray


def town(n: int, seed: int = 1) -> tuple[FloatArray, FloatArray]:
    """Offices whose intensity grows with hours; the second driver means nothing."""
    generator = np.random.default_rng(seed)
    hours, noise = generator.uniform(30, 120, n), generator.uniform(0, 1, n)
    values = 40 * np.exp(0.8 * (hours - 30) / 90 + generator.normal(0, 0.3, n))
    return values, np.column_stack((hours, noise))


def tiers_of(values: FloatArray, drivers: FloatArray, **how: object) -> PeerTiers:
    names = [f"d{j}" for j in range(drivers.shape[1])]
    found = peer_tiers(values, drivers, names, np.random.default_rng(0), **how)  # type: ignore[arg-type]
    assert isinstance(found, PeerTiers)
    return found


def spearman(a: FloatArray, b: FloatArray) -> float:
    return float(np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1])


def test_plain_tiers_are_quantiles_of_the_sample() -> None:
    # 99 values 1 .. 99: P80 at position .8 * 100 = 80th, P50 50th, P20 20th
    values = np.random.default_rng(2).permutation(np.arange(1.0, 100.0))
    found = tiers_of(values, np.zeros((99, 0)), rule=OutlierRule.NONE)
    assert_allclose(list(found.levels), [80.0, 50.0, 20.0])  # evenly spread: so are the five around each place
    assert found.notes == ()
    assert_allclose(
        found.score(np.array([80.0, 0.5, 100.0, np.nan]), np.zeros((4, 0))), [19.697, 100, 0, np.nan], rtol=1e-4
    )


def test_a_group_below_thirty_gives_no_tiers() -> None:
    values = np.append(np.arange(1.0, 30.0), [np.nan, 0.0, -1.0])  # 29 known: zero is no use of an institution
    assert peer_tiers(values, np.zeros((32, 0)), [], np.random.default_rng(0)) is Note.TOO_FEW
    assert all(NOTE_WORDS[note] for note in Note)


def test_longer_hours_are_no_fault() -> None:
    values, drivers = town(300)
    assert spearman(values, drivers[:, 0]) > 0.5
    found = tiers_of(values, drivers)
    score = found.score(values, drivers)
    assert abs(spearman(score, drivers[:, 0])) < 0.05
    assert spearman(score, -values) > 0.7
    # the true slope from least to most is .8; a driver without meaning gets next to nothing
    assert found.model.slopes[0] == pytest.approx(0.8, abs=0.1)
    assert abs(found.model.slopes[1]) < 0.1


def test_limits_follow_the_own_drivers() -> None:
    values, drivers = town(300)
    found = tiers_of(values, drivers)
    few, many = found.limits_for(np.array([[35.0, 0.5], [115.0, 0.5]]))
    assert_allclose(many / few, np.exp(found.model.slopes[0] * 80 / 90), rtol=0.02)
    assert_allclose(found.limits_for(np.array([[np.nan, np.nan]]))[0], list(found.levels))


def test_about_the_stated_share_of_others_keeps_each_limit() -> None:
    values, drivers = town(2000)
    found = tiers_of(values[:1000], drivers[:1000], rule=OutlierRule.NONE, n_bootstrap=20)
    limits = found.limits_for(drivers[1000:])
    share = (values[1000:, None] <= limits).mean(axis=0)
    assert_allclose(share, [0.8, 0.5, 0.2], atol=0.04)


def test_contributions_add_up_in_the_unit_of_the_indicator() -> None:
    values, drivers = town(200)
    model = fit_drivers(values, drivers, ("hours", "noise"))
    parts = model.contributions(values, drivers)
    assert_allclose(parts.sum(axis=1), values - values / model.factor(drivers), rtol=1e-9, atol=1e-9)
    unknown = model.contributions(np.array([50.0]), np.array([[np.nan, np.nan]]))
    assert_array_equal(unknown, [[0.0, 0.0]])


def test_what_is_told_of_a_group_can_be_checked_by_hand() -> None:
    # the longest hours of three are at place 5/6 - 1/2 = 1/3: factor exp(.6 / 3) = 1.2214
    model = DriverModel(("hours",), (np.array([30.0, 40.0, 50.0]),), np.array([0.6]))
    told = ToldTiers(np.array([100.0, 80.0, 50.0]), np.array([0.2, 0.1, 1.1]), model, 31)
    drivers = np.array([[40.0], [50.0], [np.nan]])
    # 122.1, 97.7 and 61.07 in steps of 2, 1 and 1
    assert_allclose(told.limits_for(drivers), [[100, 80, 50], [122, 98, 61], [100, 80, 50]])
    assert_allclose(told.intervals_for(drivers)[1], [[97.6, 146.4], [88.2, 107.8], [0.0, 128.1]])
    # of 90 that would be 90 / 1.2214 = 73.69 with middling hours, 16.31 are due to them
    own = told.adjustments_for(np.array([90.0, 90.0, 90.0]), drivers)
    assert_allclose(own, [[0.0], [16.314], [np.nan]], atol=1e-3)
    bare = ToldTiers(told.levels, told.width, no_drivers(), 31)
    assert_array_equal(bare.adjustments_for(np.array([90.0]), np.array([[40.0]])), [[np.nan]])


def test_what_is_told_is_coarse_and_the_longer_side_of_an_interval_counts() -> None:
    model = DriverModel(("hours",), (np.array([30.0, 40.0]),), np.array([0.62]))
    low, high = Levels(90.0, 79.0, 30.0), Levels(125.0, 88.1, 51.0)
    found = PeerTiers(
        Levels(100.9, 80.0, 50.0), low, high, model, np.zeros(1), clean(np.zeros(1), OutlierRule.NONE), 31, ()
    )
    told = found.told()
    assert_allclose(told.levels, [100, 80, 50])
    assert_allclose(told.width, [0.3, 0.2, 0.4])  # 125 / 100.9 - 1 = .239, 88.1 / 80 - 1 = .101, 1 - 30 / 50 = .4
    assert_allclose(told.model.slopes, [0.6])


def naive_interval(values: FloatArray, drivers: FloatArray, n_bootstrap: int) -> FloatArray:
    """Samples drawn one by one, each with slopes of its own."""
    places = [[naive_place(x, sorted(column)) for x in column] for column in drivers.T.tolist()]
    drawn = np.random.default_rng(0).integers(0, len(values), (n_bootstrap, len(values)))
    rising = sorted(range(len(values)), key=lambda i: values[i])
    limits = []
    for sample in drawn:
        members = [rising[i] for i in sample]
        target = np.log(values[members])
        x = np.array([[1.0, *(column[i] for column in places)] for i in members])
        weight, solution = np.ones(len(members)), np.zeros(x.shape[1])
        for _ in range(6):
            gram = (x * weight[:, None]).T @ x + np.diag([0.0, *np.ones(x.shape[1] - 1)])
            solution = np.linalg.solve(gram, (x * weight[:, None]).T @ target)
            distance = np.abs(target - x @ solution)
            weight = np.minimum(1.0, 1.345 * 1.4826 * np.median(distance) / np.maximum(distance, 1e-300))
        adjusted = np.exp(target - x[:, 1:] @ solution[1:])
        limits.append([float(shared_quantile(adjusted, share)) for share in (0.8, 0.5, 0.2)])
    return np.quantile(np.array(limits), [0.1, 0.9], axis=0)


def test_the_interval_agrees_with_its_slow_twin() -> None:
    values, drivers = town(40)
    found = tiers_of(values, drivers, rule=OutlierRule.NONE, n_bootstrap=25)
    assert_allclose([list(found.low), list(found.high)], naive_interval(values, drivers, 25), rtol=1e-9)


def test_with_few_buildings_per_driver_nothing_is_adjusted_and_it_is_said() -> None:
    values, _ = town(35)
    drivers = np.random.default_rng(0).normal(size=(35, 4))
    found = tiers_of(values, drivers)
    assert found.model.names == ()
    assert found.notes == (Note.NOT_ADJUSTED,)
    assert_array_equal(found.model.factor(drivers), np.ones(35))


def test_one_wild_building_does_not_bend_the_model() -> None:
    values, drivers = town(100)
    wild, wild_drivers = values.copy(), drivers.copy()
    wild[0], wild_drivers[0, 0] = 1e6, 1e6
    calm = fit_drivers(values, drivers, ("hours", "noise"))
    bent = fit_drivers(wild, wild_drivers, ("hours", "noise"))
    assert_allclose(bent.slopes, calm.slopes, atol=0.1)


def test_constant_drivers_and_values_are_harmless() -> None:
    model = fit_drivers(np.full(40, 5.0), np.full((40, 2), 3.0), ("a", "b"))
    assert_allclose(model.factor(np.full((3, 2), 3.0)), 1.0)
    found = tiers_of(np.full(40, 5.0), np.full((40, 2), 3.0))
    assert_allclose(list(found.levels), [5.0, 5.0, 5.0])
    assert_allclose(list(found.low), list(found.high))
    nowhere = fit_drivers(np.full(40, 5.0), np.full((40, 1), np.nan), ("a",))
    assert_allclose(nowhere.factor(np.array([[1.0], [np.nan]])), 1.0)
    assert_array_equal(no_drivers().factor(np.zeros((2, 0))), [1.0, 1.0])


def test_an_interval_holds_its_limit_and_narrows_with_the_group() -> None:
    widths = []
    for n in (40, 160, 640):
        values, drivers = town(n)
        found = tiers_of(values, drivers)
        for low, limit, high in zip(found.low, found.levels, found.high, strict=True):
            assert low <= limit <= high
        widths.append(found.high.constraint - found.low.constraint)  # type: ignore[operator]
    assert widths == sorted(widths, reverse=True)


def test_the_same_seed_gives_the_same_interval_and_order_of_members_none() -> None:
    values, drivers = town(60)
    once, again = tiers_of(values, drivers), tiers_of(values, drivers)
    assert (once.low, once.high) == (again.low, again.high)
    turned = tiers_of(values[::-1], drivers[::-1])
    assert_allclose(list(turned.levels), list(once.levels), rtol=1e-10)
    assert_allclose(list(turned.low), list(once.low), rtol=1e-10)
    assert_allclose(list(turned.high), list(once.high), rtol=1e-10)


def naive_place(value: float, members: list[float]) -> float:
    """Share of the group below, half of the equal ones counted."""
    below = sum(m < value for m in members) + 0.5 * sum(m == value for m in members)
    return below / len(members) - 0.5


def naive_slopes(values: list[float], drivers: list[list[float]]) -> FloatArray:
    """Huber regression by explicit normal equations over buildings."""
    n, k = len(values), len(drivers[0])
    rows = []
    for i in range(n):
        row = [1.0]
        for j in range(k):
            known = [drivers[m][j] for m in range(n) if not math.isnan(drivers[m][j])]
            row.append(0.0 if math.isnan(drivers[i][j]) else naive_place(drivers[i][j], known))
        rows.append(row)
    weight = [1.0] * n
    solution = np.zeros(k + 1)
    for _ in range(6):
        gram, right = np.zeros((k + 1, k + 1)), np.zeros(k + 1)
        for i in range(n):
            for a in range(k + 1):
                right[a] += weight[i] * rows[i][a] * math.log(values[i])
                for b in range(k + 1):
                    gram[a, b] += weight[i] * rows[i][a] * rows[i][b]
        for a in range(1, k + 1):
            gram[a, a] += 1.0
        solution = np.linalg.solve(gram, right)
        distance = [
            abs(math.log(values[i]) - sum(r * s for r, s in zip(rows[i], solution, strict=True))) for i in range(n)
        ]
        scale = 1.345 * 1.4826 * float(np.median(distance))
        if scale == 0:
            break
        weight = [min(1.0, scale / max(d, 1e-300)) for d in distance]
    return solution[1:]


@given(st.integers(20, 40), st.integers(0, 10_000))
def test_the_driver_model_agrees_with_its_slow_twin(n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.gamma(2.0, 10.0, n) + 0.1
    drivers = generator.integers(0, 5, (n, 2)).astype(float)
    drivers[generator.random((n, 2)) < 0.1] = np.nan
    found = fit_drivers(values, drivers, ("a", "b"))
    assert_allclose(found.slopes, naive_slopes(values.tolist(), drivers.tolist()), rtol=1e-6, atol=1e-8)


# ---- groups


def test_the_finest_group_with_enough_members_is_taken() -> None:
    fine = ["a1"] * 30 + ["a2"] * 10 + ["b1"] * 5 + [""]
    coarse = ["a"] * 40 + ["b"] * 6
    known = np.ones(46, bool)
    found = choose_groups([fine, coarse], known)
    assert list(found.label) == ["a1"] * 30 + ["a"] * 10 + [""] * 6
    assert_array_equal(found.level, [0] * 30 + [1] * 10 + [-1] * 6)
    assert [found.notes(i) for i in (0, 35, 45)] == [(), (Note.PARENT_GROUP,), (Note.TOO_FEW,)]
    known[0] = False  # members without a value do not count, though they have a group
    assert choose_groups([fine, coarse], known).label[0] == "a"


def test_nobody_has_no_group() -> None:
    assert len(choose_groups([[], []], np.zeros(0, bool)).label) == 0


@pytest.mark.parametrize(
    ("members", "own", "shown"),
    [(30, 0, True), (30, 30, True), (30, 26, False), (30, 25, True), (4, 0, False), (4, 4, False), (5, 5, True)],
)
def test_figures_of_fewer_than_five_others_stay_hidden(members: int, own: int, shown: bool) -> None:
    assert may_show(members, own) is shown


# ---- ranking


def test_equal_values_share_the_better_place() -> None:
    found = rank(np.array([5.0, 3.0, 3.0, 9.0]), np.ones(4), ["g"] * 4)
    assert_array_equal(found.rank, [3, 1, 1, 4])
    assert_array_equal(found.rank_of, [4, 4, 4, 4])


def test_incomplete_data_are_listed_apart_and_take_no_place() -> None:
    found = rank(np.array([5.0, 1.0, np.nan, 7.0]), np.array([0.95, 0.9499, 1.0, np.nan]), ["g"] * 4)
    assert_array_equal(found.rank, [1, np.nan, np.nan, np.nan])
    assert_array_equal(found.state, [RankState.RANKED] + [RankState.INCOMPLETE] * 3)
    assert RANK_WORDS[RankState.INCOMPLETE][0] == "数据不全, 不参与排名"
    assert_array_equal(found.rank_of, [1, 1, 1, 1])


def test_only_the_like_are_ranked_together() -> None:
    found = rank(np.array([5.0, 4.0, 3.0, 2.0]), np.ones(4), ["a", "b", "a", ""])
    assert_array_equal(found.rank, [2, 1, 1, np.nan])
    assert_array_equal(found.rank_of, [2, 1, 2, np.nan])
    assert found.state[3] == RankState.NO_GROUP


def naive_rank(values: list[float], coverage: list[float], groups: list[str]) -> list[float]:
    def takes_part(i: int) -> bool:
        return groups[i] != "" and not math.isnan(values[i]) and coverage[i] >= 0.95

    return [
        1.0 + sum(takes_part(j) and groups[j] == groups[i] and values[j] < values[i] for j in range(len(values)))
        if takes_part(i)
        else math.nan
        for i in range(len(values))
    ]


members = st.tuples(
    st.sampled_from([1.0, 2.0, 3.5, math.nan]), st.sampled_from([1.0, 0.9]), st.sampled_from("ab") | st.just("")
)


@given(st.lists(members, max_size=25))
def test_ranks_agree_with_their_slow_twin(rows: list[tuple[float, float, str]]) -> None:
    values, coverage, groups = ([row[i] for row in rows] for i in range(3))
    found = rank(np.array(values, float), np.array(coverage, float), groups)  # type: ignore[arg-type]
    assert_array_equal(found.rank, naive_rank(values, coverage, groups))  # type: ignore[arg-type]


def test_shares_other_than_usual_are_taken() -> None:
    values = np.arange(1.0, 100.0)
    found = tiers_of(values, np.zeros((99, 0)), rule=OutlierRule.NONE, shares=Shares(0.75, 0.6, 0.25))
    assert_allclose(list(found.levels), [75.0, 60.0, 25.0])
