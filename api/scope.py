"""The one place that decides what a caller may see and do: the caller's node and below, and the role's actions.

A query takes a `Scope` it cannot do without. What a scope does not hold does not exist for its caller (NotInRegistry,
answered 404), so that nobody learns of a sibling by asking. An action the role lacks is Forbidden (403), and says so
only about what the caller can see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from energy.errors import Forbidden, NotInRegistry
from energy.model import Meter
from energy.model import Scope as Level
from energy.registry import Building, Institution, Node, Region, Role, Snapshot, User


class Action(StrEnum):
    """What can be done. Every route names one."""

    READ = "read"
    JUDGE = "judge"  # findings: verdict, comment, assignment
    CORRECT = "correct"  # propose a correction
    APPROVE = "approve"  # corrections, targets, quotas
    BILL = "bill"  # bills and manual readings
    IMPORT = "import"  # registry sheets
    OPERATE = "operate"  # runs, collector
    ADMINISTER = "administer"  # accounts and tokens of others


_OF_ROLE: Final[Mapping[Role, frozenset[Action]]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Action.READ}),
        Role.ENERGY_MANAGER: frozenset({Action.READ, Action.JUDGE, Action.CORRECT, Action.BILL}),
        Role.STATISTICIAN: frozenset({Action.READ, Action.CORRECT, Action.BILL}),
        Role.APPROVER: frozenset({Action.READ, Action.JUDGE, Action.APPROVE}),
        Role.OPERATOR: frozenset({Action.READ, Action.CORRECT, Action.IMPORT, Action.OPERATE}),
        Role.ADMINISTRATOR: frozenset(Action),
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one caller may see and do, at one revision of the registry.

    `regions` are those whose sums a caller may see: none where a department or an institution is the limit, since a
    region's sum less one's own would tell of siblings.
    """

    user: str
    role: Role
    node: Node
    department: str | None
    actions: frozenset[Action]
    snapshot: Snapshot = field(repr=False)
    institutions: frozenset[str] = field(repr=False)
    regions: frozenset[str] = field(repr=False)

    @property
    def is_whole(self) -> bool:
        """True if nothing of the installation is hidden from the caller."""
        return self.node.scope == "root" and self.department is None

    def may(self, action: Action) -> bool:
        """True if the caller may do this to what the scope holds."""
        return action in self.actions

    def require(self, action: Action) -> None:
        """Forbidden unless the caller may do this."""
        if action not in self.actions:
            raise Forbidden(f"your role may not {action.value}: ask an administrator of your node")

    def institution(self, identity: str) -> Institution:
        """A visible institution."""
        if identity not in self.institutions:
            raise _unknown("institution", identity)
        return self.snapshot.institutions[identity]

    def region(self, code: str) -> Region:
        """A visible region."""
        if code not in self.regions:
            raise _unknown("region", code)
        return self.snapshot.regions[code]

    def building(self, identity: str) -> Building:
        """A building of a visible institution."""
        building = self.snapshot.buildings.get(identity)
        if building is None or building.institution not in self.institutions:
            raise _unknown("building", identity)
        return building

    def meter(self, identity: str) -> Meter:
        """A meter or sensor of a visible institution."""
        meter = self.snapshot.meters.get(identity)
        if meter is None or meter.institution not in self.institutions:
            raise _unknown("meter", identity)
        return meter

    def sees(self, level: Level | str, identity: str) -> bool:
        """True if the thing of this level (region, institution, building, meter) is visible."""
        try:
            self.find(level, identity)
        except NotInRegistry:
            return False
        return True

    def find(self, level: Level | str, identity: str) -> Region | Institution | Building | Meter:
        """The visible thing of a level; NotInRegistry for anything else."""
        match Level(level):
            case Level.REGION:
                return self.region(identity)
            case Level.INSTITUTION:
                return self.institution(identity)
            case Level.BUILDING:
                return self.building(identity)
            case Level.METER:
                return self.meter(identity)

    def meters(self) -> list[Meter]:
        """All visible meters and sensors, by id."""
        return sorted((m for m in self.snapshot.meters.values() if m.institution in self.institutions), key=_id)

    def buildings(self) -> list[Building]:
        """All visible buildings, by id."""
        return sorted((b for b in self.snapshot.buildings.values() if b.institution in self.institutions), key=_id)

    def holds(self, node: Node) -> bool:
        """True if everything below the node is visible here: what an administrator may hand out."""
        if node.scope == "root":
            return self.is_whole
        institutions, regions = _seen(self.snapshot, node, None, date.min)
        return bool(institutions or regions) and institutions <= self.institutions and regions <= self.regions

    def narrowed(self, actions: Iterable[str], node: Node) -> Scope:
        """This scope within a node and with these actions only: what a token of the caller may do."""
        inner = _seen(self.snapshot, node, None, date.min)
        return Scope(
            self.user,
            self.role,
            node,
            self.department,
            self.actions & {Action(a) for a in actions},
            self.snapshot,
            self.institutions & inner[0],
            self.regions & inner[1],
        )


def scope_of(user: User, snapshot: Snapshot, *, today: date) -> Scope:
    """What a user may see and do."""
    institutions, regions = _seen(snapshot, user.node, user.department, today)
    return Scope(
        user=user.name,
        role=user.role,
        node=user.node,
        department=user.department,
        actions=_OF_ROLE[user.role],
        snapshot=snapshot,
        institutions=institutions,
        regions=regions,
    )


def everything(snapshot: Snapshot, *, user: str = "system") -> Scope:
    """The scope of the installation itself: jobs, alarms, reports made for nobody in particular."""
    return scope_of(User(user, Role.ADMINISTRATOR, Node()), snapshot, today=date.min)


def actions_of(role: Role) -> frozenset[Action]:
    """What a role may do."""
    return _OF_ROLE[role]


def _seen(snapshot: Snapshot, node: Node, department: str | None, today: date) -> tuple[frozenset[str], frozenset[str]]:
    """Visible institutions and regions; kept for the revision, since a nation's tree is long."""
    return _cached(_Held(snapshot), node, department, today if department is not None else date.min)


@dataclass(frozen=True, slots=True)
class _Held:
    """A snapshot as a key: two snapshots are the same if they are the same object."""

    snapshot: Snapshot

    def __hash__(self) -> int:
        return id(self.snapshot)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.snapshot is self.snapshot


@lru_cache(maxsize=256)
def _cached(held: _Held, node: Node, department: str | None, today: date) -> tuple[frozenset[str], frozenset[str]]:
    snapshot = held.snapshot
    institutions = _institutions(snapshot, node)
    if department is not None:
        return frozenset(i for i in institutions if snapshot.department_of(i, today) == department), frozenset()
    if node.scope == "root":
        return institutions, frozenset(snapshot.regions)
    if node.scope == "region":
        return institutions, _below(node.id, {r.code: r.parent for r in snapshot.regions.values()})
    return institutions, frozenset()


def _institutions(snapshot: Snapshot, node: Node) -> frozenset[str]:
    if node.scope == "root":
        return frozenset(snapshot.institutions)
    if node.scope == "region":
        return frozenset(snapshot.institutions_below(node.id))
    return _below(node.id, {i.id: i.parent for i in snapshot.institutions.values()})


def _below(top: str, parents: Mapping[str, str | None]) -> frozenset[str]:
    """The node itself, if it exists, and all whose way up leads to it."""
    children: dict[str | None, list[str]] = {}
    for name, parent in parents.items():
        children.setdefault(parent, []).append(name)
    found, waiting = set(), [top] if top in parents else []
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += children.get(name, ())
    return frozenset(found)


def _id(thing: Meter | Building) -> str:
    return thing.id


def _unknown(what: str, identity: str) -> NotInRegistry:
    return NotInRegistry(f"{what} {identity!r} is not known here")
