"""One institution in every relation to the callers of the access matrix, each with all that a route may speak of.

The tree: province 990000 > city 990100 > county 990101 (the callers' own) and 990102 (sibling); city 990200 (other).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import pytest

from api import proofs
from api.scope import actions_of
from energy.breakdown import Breakdown
from energy.intervals import LocalCalendar
from energy.registry import (
    Bill,
    Correction,
    Finding,
    Node,
    Notice,
    Publication,
    Registry,
    Role,
    Subject,
    Subscription,
    Target,
    Task,
    User,
)
from energy.registry.breakdowns import version_id
from energy.series import Table
from energy.storage.base import Store
from energy.storage.embedded import EmbeddedStore
from energy.storage.schema import TOTAL
from tests.api.matrix import Entry
from tests.api.world import ZONE, World, served

START: Final = 1_740_758_400
"""2025-03-01 in Beijing."""
TODAY: Final = date(2025, 7, 15)
NOW: Final = LocalCalendar(ZONE).start_of(TODAY) + 12 * 3600
PLACES: Final = ("own", "child", "sibling", "upper", "other", "moved")
RELATIONS: Final = (*PLACES, "deleted")
VISIBLE: Final = {"own", "child"}
SECRET: Final = "绝密"
"""Part of every name that the callers must not see."""
SECRET_AMOUNTS: Final = ("7654321", "7,654,321")
"""What they use, as programs and as people read it."""
_REGION: Final = {
    "own": "990101", "child": "990103", "sibling": "990102", "upper": "990100", "other": "990200", "moved": "990102",
}  # fmt: skip
_REACHES: Final = {"region": Node("region", "990101"), "institution": Node("institution", "own")}


def leak(answer: httpx.Response) -> str:
    """What an answer tells that it must not; empty where it keeps its secrets."""
    return next((word for word in (SECRET, *SECRET_AMOUNTS) if word in answer.text), "")


class Memory:
    """The registry as it was, to go back to after something that a role may do was done."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._copy = file.with_suffix(".before")
        self._write(file, self._copy)

    def restore(self) -> None:
        """Bring it back, under the running server."""
        self._write(self._copy, self._file)

    @staticmethod
    def _write(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)


@contextmanager
def planted(folder: Path) -> Iterator[tuple[World, Memory]]:
    """The tree behind a server, with a caller of every role in both reaches."""
    store = EmbeddedStore(folder, writes_readings=True)
    registry = Registry.open(f"sqlite:///{folder / 'registry.db'}", migrate=True)
    world = World(registry, store, None)  # type: ignore[arg-type] -- no simulated province here
    registry.import_sheets(_sheets())
    proof = proofs.keep(folder / "proofs", "proof.pdf", b"%PDF-1.4 proof")
    for name in PLACES:
        _fill(registry, name, proof)
        _use(store, name)
    for role in Role:
        for reach, node in _REACHES.items():
            world.add_user(f"{role.value}-{reach}", role, node)
    world.add_user("root-administrator", Role.ADMINISTRATOR, Node())
    # Moved away after all this was made: another county's now.
    registry.import_sheets({"institutions": [{"id": "moved", "region": "990102"}]})
    with served(world, home=folder, clock=lambda: NOW):
        yield world, Memory(folder / "registry.db")
    store.close()
    registry.close()


@pytest.fixture(scope="module")
def planting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Memory]]:
    """The tree, and the way back to how it was."""
    with planted(tmp_path_factory.mktemp("matrix")) as found:
        yield found


@pytest.fixture
def tree(planting: tuple[World, Memory]) -> World:
    """The tree of the module's tests."""
    return planting[0]


def _sheets() -> dict[str, list[dict[str, Any]]]:
    region = _REGION | {"child": "990101", "moved": "990101"}
    names = {name: ("甲" if name in VISIBLE else SECRET) for name in PLACES}
    return {
        "regions": [
            {"code": "990000", "name_zh": "省"},
            {"code": "990100", "name_zh": "市", "parent": "990000"},
            {"code": "990101", "name_zh": "县", "parent": "990100"},
            {"code": "990103", "name_zh": "乡", "parent": "990101"},
            {"code": "990102", "name_zh": f"{SECRET}县", "parent": "990100"},
            {"code": "990200", "name_zh": f"{SECRET}市", "parent": "990000"},
        ],
        "institutions": [
            {"id": n, "name_zh": f"{names[n]}{n}", "region": region[n], "type": "01"}
            | ({"parent": "own"} if n == "child" else {})
            for n in PLACES
        ],
        "buildings": [{"id": f"{n}-b", "institution": n, "name_zh": f"{names[n]}楼"} for n in PLACES],
        "meters": [
            {"id": f"{n}-{kind}", "institution": n, "category": "gas", "unit": "m3", "name_zh": f"{names[n]}表"}
            | ({"kind": "manual"} if kind == "billed" else {"interval_s": 3600})
            for n in PLACES
            for kind in ("m", "billed")
        ],
    }


def _fill(registry: Registry, name: str, proof: proofs.Proof) -> None:
    """Decisions of and about one institution."""
    title = "甲" if name in VISIBLE else SECRET
    registry.findings.put([Finding(f"f-{name}", name, "night_use", START, title_zh=title, title_en=title)])
    notice = Notice(f"n-{name}", f"c-{name}", "finding", "institution", name, "info", START, title, title, title, title)
    registry.alarms.record([(notice, "opened")], [], now=START)
    registry.alarms.subscribe(Subscription(f"s-{name}", "wecom", "robot", scope="institution", node=name, author=title))
    figures = {"names": {"zh": title, "en": title}, "first": "2025-01-01", "last": "2025-03-31", "totals": [],
               "indicators": []}  # fmt: skip
    registry.reporting.publish(Publication(f"p-{name}", name, 2025, 1, json.dumps(figures), "x", START))
    meter = f"{name}-m"
    registry.corrections.put([Correction(meter, START, START + 3600, "discard", "x", START, title, state="active")])
    registry.bills.put([Bill(f"{name}-billed", date(2025, 4, 1), date(2025, 4, 20), 5.0, "m3", document=title)])
    registry.accounts.add(User(f"user-{name}", Role.VIEWER, Node("institution", name)), now=START)
    registry.tasks.give(Task(f"t-{name}", name, "rectify", title, title, date(2025, 8, 1), "x", START))
    registry.tasks.add_file(
        f"t-{name}", proof.name, proof.stored, n_bytes=proof.n_bytes, sha256=proof.sha256, author="x", time=START
    )
    target = Target(
        "institution", name, TODAY.year, "electricity_per_area", "physical", "issued", 100.0, "kWh/(m2·a)", title,
        file=f"{proof.stored}|{proof.name}",
    )  # fmt: skip
    registry.targets.put([target])
    _break_down(registry, name, title)


def _break_down(registry: Registry, name: str, title: str) -> None:
    """A target that is divided, and another way to divide it that waits for approval."""
    whole = _whole(name)
    document = {"state": "issued", "value": 100.0, "unit": "kgce", "document": title}
    registry.issue_target({**asdict(whole), **document}, author="x", time=START)
    for part in ("60", "70"):
        split = Breakdown(Decimal(100), {f"building:{name}-b": Decimal(part)}, Decimal(100) - Decimal(part))
        proposed = registry.breakdowns.propose(whole, split, author="x", time=START, reason=title)
        if part == "60":
            registry.breakdowns.decide(proposed.breakdown, "approve", author="y", time=START, today=TODAY)


def _whole(name: str) -> Subject:
    return Subject("institution", name, TODAY.year, "energy", "gb2589_equivalent_value")


def _use(store: Store, name: str) -> None:
    """What it used this year, this month and yesterday."""
    calendar = LocalCalendar(ZONE)
    amount = 50.0 if name in VISIBLE else float(SECRET_AMOUNTS[0])
    for period, day in (
        ("year", TODAY.replace(month=1, day=1)),
        ("month", TODAY.replace(day=1)),
        ("day", TODAY.replace(day=14)),
    ):
        start = calendar.start_of(day)
        tags = {"scope": "institution", "id": name, "period": period, "category": "electricity", "item": "all"}
        fields = {"amount": amount, "coverage": 1.0, "cost_yuan": amount, "n_expected": 1.0, "n_reporting": 1.0}
        table = Table(
            TOTAL.name,
            np.array([start], np.int64),
            {tag: np.array([value], object) for tag, value in tags.items()},
            {field: np.array([value]) for field, value in fields.items()},
        )
        store.replace(table, where={tag: [value] for tag, value in tags.items()}, start=start, end=start + 1)


def thing(kind: str | None, relation: str) -> str:
    """The id that a request names: of a real thing in this relation, or of none."""
    if kind is None:
        return ""
    if relation == "deleted":
        return {"correction": f"gone-m~{START}~discard~{START}", "region": "990199"}.get(kind, "gone")
    return {
        "region": _REGION[relation],
        "institution": relation,
        "building": f"{relation}-b",
        "meter": f"{relation}-m",
        "billed": f"{relation}-billed",
        "finding": f"f-{relation}",
        "notice": f"n-{relation}",
        "subscription": f"s-{relation}",
        "task": f"t-{relation}",
        "correction": f"{relation}-m~{START}~discard~{START}",
        "breakdown": version_id(_whole(relation), 2),
        "user": f"user-{relation}",
    }[kind]


def ask(client: httpx.Client, method: str, path: str, entry: Entry, identity: str) -> httpx.Response:
    """The entry's request, about this thing."""
    for name, value in (entry.parts or {}).items():
        path = path.replace(f"{{{name}}}", value)
    if "{" in path:
        head, _, tail = path.partition("{")
        path = head + identity + tail.partition("}")[2]
    return client.request(
        method,
        path,
        params={name: value.replace("{}", identity) for name, value in (entry.query or {}).items()},
        json=entry.body(identity) if entry.body else None,
        content=entry.content,
        data=entry.form(identity) if entry.form else None,
        files=entry.files,
    )


def expected(entry: Entry, role: Role, relation: str, reach: str) -> set[int]:
    """Statuses that are right: foreign and deleted things look alike, what a role lacks is told of visible ones."""
    is_visible = relation in VISIBLE and not (entry.thing == "region" and reach == "institution")
    may = entry.action is None or entry.action in actions_of(role) or entry.or_action in actions_of(role)
    if entry.root_only or (not may and (is_visible or entry.thing is None or not entry.thing_first)):
        return {entry.lacking}
    if entry.thing is None or is_visible:
        return {200, 201, 204, 303}
    return {entry.foreign}
