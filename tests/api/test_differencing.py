"""Nobody's figure can be taken from what others are told, also not by comparing before and after (promise P-34).

Callers at every level collect all that ranks and peers' limits with their intervals tell them, before and after one
strange institution came, where members state hours and persons too. Its value is recoverable if no other value, a
hundredth and more away, could have given the same two pictures, whatever the other strangers may have
(`analytics.disclosure`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analytics.disclosure import K_ANONYMITY, TELLABLE
from analytics.jobs.peers import LIMIT_FIELDS, compute_peers
from analytics.jobs.rows import Writer, Written
from api.scope import Scope, scope_of
from api.shielding import shielded
from energy.intervals import DAY, LocalCalendar, Window
from energy.registry import Node, Registry, Role, Snapshot, User
from energy.registry.rows import Denominator
from energy.storage.embedded import EmbeddedStore
from tests.results import write

CALENDAR = LocalCalendar()
MONTH = CALENDAR.start_of(date(2025, 12, 1))
TODAY = date(2026, 1, 15)
N = 40
NAMES = [f"o{i:02}" for i in range(N)]
STRANGER = NAMES[-1]
_NEAREST = (1 + 1.01 * TELLABLE, 1 - 1.01 * TELLABLE)
_TRIES = 500
CASES = int(os.environ.get("DIFFERENCING_CASES", "25"))
_UNITS = {"operating_hours": "h", "floor_area": "m2", "users": "p"}
TOLD = ("rank", "rank_of", *LIMIT_FIELDS, "group")


@dataclass(frozen=True)
class Office:
    """Forty offices of one kind in counties of 1, 9, 24 and 6, and a store beside the registry."""

    registry: Registry
    store: EmbeddedStore
    snapshot: Snapshot

    def told(self, values: Mapping[str, float], scope: Scope) -> list[tuple[object, ...]]:
        """Everything a caller is told of ranks and limits, with these values of a rolling year."""
        tags = {"scope": "institution", "period": "rolling12", "indicator": "energy_per_area", "caliber": "c"}
        rows = [{**tags, "id": name, "time": MONTH, "value": v, "coverage": 1.0} for name, v in values.items()]
        write(self.store, "indicator", rows)
        span = Window(MONTH, MONTH + DAY)
        compute_peers(self.store, self.registry, self.snapshot, Writer(self.store, Written()), CALENDAR, [span])
        return _shown(self.store, scope)

    def stating(self, drivers: Mapping[str, Mapping[str, float]]) -> Office:
        """The same where institutions state what they cannot help."""
        rows = tuple(
            Denominator("institution", name, kind, value, _UNITS[kind])
            for name, own in drivers.items()
            for kind, value in own.items()
        )
        return replace(self, snapshot=replace(self.snapshot, denominators=rows))


def _shown(store: EmbeddedStore, scope: Scope) -> list[tuple[object, ...]]:
    where = {"scope": ["institution"], "id": sorted(scope.institutions), "period": ["rolling12"]}
    rows = shielded(scope, store.results("indicator", where=where, start=MONTH, end=MONTH + 1))
    columns = [rows.tags["id"].tolist(), *(rows.fields[name].tolist() for name in TOLD)]
    told = [tuple(_plain(cell) for cell in row) for row in zip(*columns, strict=True)]
    return [row for row in told if row[0] != STRANGER]


def _plain(cell: object) -> object:
    return None if isinstance(cell, float) and math.isnan(cell) else cell


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home: Path = tmp_path_factory.mktemp("offices")
    registry = Registry.open(f"sqlite:///{home / 'registry.db'}", migrate=True)
    counties = ["990101"] * 1 + ["990102"] * 9 + ["990103"] * 24 + ["990104"] * 6
    registry.import_sheets(
        {
            "regions": [
                {"code": "990100", "name_zh": "示例市"},
                *({"code": f"99010{n}", "name_zh": f"县{n}", "parent": "990100"} for n in range(1, 5)),
            ],
            "institutions": [
                {"id": name, "name_zh": name, "region": county, "type": "01", "tier": "县级", "climate_zone": "寒冷A",
                 "department": "教育局" if i % 2 else "卫生局"}
                for i, (name, county) in enumerate(zip(NAMES, counties, strict=True))
            ],
        }
    )  # fmt: skip
    with closing(EmbeddedStore(home, writes_readings=True, writes_results=True)) as store:
        yield Office(registry, store, registry.snapshot())
    registry.close()


def callers(snapshot: Snapshot) -> list[Scope]:
    """One of each level that does not see the stranger, a department of a county among them."""
    nodes = [
        (Node("institution", "o00"), None), (Node("region", "990101"), None), (Node("region", "990102"), None),
        (Node("region", "990103"), None), (Node("region", "990103"), "卫生局"), (Node("region", "990100"), "卫生局"),
    ]  # fmt: skip
    users = [User(f"u{i}", Role.VIEWER, node, department) for i, (node, department) in enumerate(nodes)]
    found = [scope_of(user, snapshot, today=TODAY) for user in users]
    assert all(scope.institutions and STRANGER not in scope.institutions for scope in found)
    return found


def others(
    value: float, values: Mapping[str, float], scope: Scope, chance: np.random.Generator
) -> Iterator[dict[str, float]]:
    """Worlds in which the stranger has another value, that no rank of the caller's own could tell from this one.

    Another stranger makes up for the difference in some of them; in the last ones all of them have other values.
    """
    strange = sorted(
        (name for name in values if name not in scope.institutions and name != STRANGER),
        key=lambda name: abs(values[name] - value),
    )
    for share in _NEAREST:
        world = {**values, STRANGER: value * share}
        yield world
        for name in strange[: K_ANONYMITY + 1]:
            yield {**world, name: values[name] - value * (share - 1)}
    own = np.array([0.0, *sorted(values[name] for name in scope.institutions & values.keys()), np.inf])
    for _ in range(_TRIES):
        moved = {name: _between(own, values[name], 1 + chance.normal(0, 0.015)) for name in strange}
        share = 1 + chance.choice([-1, 1]) * chance.uniform(1.01, 2) * TELLABLE
        yield {**values, **moved, STRANGER: value * share}


def _between(own: np.ndarray, value: float, share: float) -> float:
    """Another value between the same two of the caller's own."""
    place = int(np.searchsorted(own, value))
    return float(np.clip(value * share, own[place - 1] + 1e-9, own[place] - 1e-9))


def crosses(scope: Scope, before: Mapping[str, float], after: Mapping[str, float]) -> bool:
    """Whether a stranger changes places with one of the caller's own."""
    own = np.sort([before[name] for name in scope.institutions if name in before])
    return any(
        np.searchsorted(own, before[name]) != np.searchsorted(own, after[name])
        for name in before
        if name not in scope.institutions
    )


# The same cases in each run: of one picture in seventy the search finds no other world in so few tries, though there
# may be one, and a test that fails by chance tells nothing. DIFFERENCING_CASES=200 looks at more.
SAME = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
GROUPS = given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95), st.sampled_from([30, 33, 39]))
"""Seed, place of the stranger among the values, members."""


@settings(SAME, max_examples=CASES)
@example(2879313849, 0.21875, 39)  # told apart from every world in which one other stranger makes up for it
@GROUPS
def test_no_strangers_value_is_recoverable(office: Office, seed: int, place: float, n: int) -> None:
    chance = np.random.default_rng(seed)
    names = [*chance.permutation(NAMES[:-1])[: n - 1].tolist(), STRANGER]
    values = dict(zip(names, np.exp(chance.normal(4.0, 0.5, len(names))).tolist(), strict=True))
    values[STRANGER] = float(np.quantile(list(values.values()), place)) * 1.001
    _assert_hidden(office, values, chance)


@settings(SAME, max_examples=CASES // 2)
@GROUPS
def test_no_strangers_value_is_recoverable_where_drivers_are_stated(
    office: Office, seed: int, place: float, n: int
) -> None:
    """Hours and persons are no secret here: the caller knows those of all strangers too."""
    chance = np.random.default_rng(seed)
    values, drivers = drawn(place, n, chance)
    _assert_hidden(office.stating(drivers), values, chance)


@settings(SAME, max_examples=CASES // 2)
@GROUPS
def test_no_strangers_hours_are_recoverable(office: Office, seed: int, place: float, n: int) -> None:
    """The part due to hours tells their place in the group, as a rank tells that of a value, and no more."""
    chance = np.random.default_rng(seed)
    values, drivers = drawn(place, n, chance)
    hours = {name: own["operating_hours"] for name, own in drivers.items() if "operating_hours" in own}
    for scope in callers(office.snapshot):
        if STRANGER not in hours or not scope.institutions & values.keys():
            continue
        if all(crosses(scope, hours, {**hours, STRANGER: hours[STRANGER] * share}) for share in _NEAREST):
            continue
        pictures = _pictures(office.stating(drivers), values, scope)
        worlds = (w for w in others(hours[STRANGER], hours, scope, chance) if not crosses(scope, hours, w))
        stated = (
            {k: own | ({"operating_hours": w[k]} if k in w else {}) for k, own in drivers.items()} for w in worlds
        )
        assert any(_pictures(office.stating(world), values, scope) == pictures for world in stated), scope.node


def drawn(place: float, n: int, chance: np.random.Generator) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Values and what is stated: longer hours and more persons use more; one in five states no hours, or no persons."""
    names = [*chance.permutation(NAMES[:-1])[: n - 1].tolist(), STRANGER]
    hours, persons = chance.uniform(1500, 5000, n), chance.uniform(20, 120, n)
    slopes = chance.uniform(0, 1, 2)
    raised = slopes[0] * hours / 5000 + slopes[1] * persons / 120
    values = dict(zip(names, np.exp(chance.normal(3.5, 0.4, n) + raised).tolist(), strict=True))
    values[STRANGER] = float(np.quantile(list(values.values()), place)) * 1.001
    stated = chance.random((2, n)) < 0.8
    drivers = {
        name: {"floor_area": 1000.0}
        | ({"operating_hours": float(hours[i])} if stated[0, i] else {})
        | ({"users": float(persons[i])} if stated[1, i] else {})
        for i, name in enumerate(names)
    }
    return values, drivers


def _assert_hidden(office: Office, values: Mapping[str, float], chance: np.random.Generator) -> None:
    """No caller can tell the stranger's value from a hundredth more, and less."""
    for scope in callers(office.snapshot):
        if not scope.institutions & values.keys():
            continue
        value = values[STRANGER]
        if all(crosses(scope, values, {**values, STRANGER: value * share}) for share in _NEAREST):
            continue  # pinned between two of the caller's own: what a rank tells
        pictures = _pictures(office, values, scope)
        worlds = (w for w in others(value, values, scope, chance) if not crosses(scope, values, w))
        assert any(_pictures(office, world, scope) == pictures for world in worlds), scope.node


def _pictures(office: Office, values: Mapping[str, float], scope: Scope) -> tuple[object, object]:
    """Before the stranger came, and after."""
    without = {name: value for name, value in values.items() if name != STRANGER}
    return office.told(without, scope), office.told(values, scope)


def test_a_group_of_which_a_caller_knows_all_but_four_is_not_told(office: Office) -> None:
    values = {name: 50.0 + 3 * i for i, name in enumerate(NAMES)}
    county = scope_of(User("u", Role.VIEWER, Node("region", "990103")), office.snapshot, today=TODAY)
    foreign = [name for name in NAMES if name not in county.institutions]
    for n_others, is_told in ((4, False), (5, False), (6, True), (16, True)):
        rows = office.told({k: v for k, v in values.items() if k not in foreign[n_others:]}, county)
        known = [row for row in rows if row[1] is not None]
        # 24 own and 4 or 5 strangers are 28 or 29: too few for limits, and 28 for ranks
        assert bool(known) is (n_others >= K_ANONYMITY), n_others
        assert all((row[3] is not None) is is_told for row in rows), n_others


def test_sums_that_a_caller_sees_hold_nobody_else(office: Office) -> None:
    """A region's sum less one's own would tell of siblings: it is seen only by who sees everybody in it."""
    for scope in callers(office.snapshot):
        for region in scope.regions:
            assert set(office.snapshot.institutions_below(region)) <= scope.institutions
        for node in (Node("region", "990104"), Node("region", "990100"), Node("institution", "o00")):
            token = scope.narrowed(["read"], node)
            assert token.institutions <= scope.institutions
            assert all(set(office.snapshot.institutions_below(r)) <= token.institutions for r in token.regions)
