"""What an evaluation looks at, and what it says: conditions, one a cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from energy.intervals import LocalCalendar
from energy.registry import Notice, Registry, Snapshot
from energy.storage.base import Store


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class View:
    """The installation at one instant."""

    registry: Registry
    store: Store
    snapshot: Snapshot
    calendar: LocalCalendar
    now: int
    home: Path | None
    standing: Mapping[str, Notice]  # by cause
    ended: Mapping[str, int]  # when causes that were over lately ended
    leads: Mapping[str, float] = field(default_factory=dict)  # seconds ahead, of gateways refused for it
    certificates: Mapping[str, Path] = field(default_factory=dict)  # files by the setting that names them

    def name_of(self, scope: str, identity: str) -> Words:
        """What people call a region, an institution or a building; the installation for anything else."""
        kinds: Mapping[str, Mapping[str, object]] = {
            "region": self.snapshot.regions,
            "institution": self.snapshot.institutions,
            "building": self.snapshot.buildings,
        }
        found = kinds.get(scope, {}).get(identity)
        if found is None:
            return Words(identity or "本平台", identity or "this installation")
        zh: str = getattr(found, "name_zh", "")
        en: str = getattr(found, "name_en", "")
        return Words(zh or en or identity, en or zh or identity)

    def meter_name(self, meter: str) -> Words:
        """What people call a meter."""
        zh, en = self.snapshot.meter_names.get(meter, ("", ""))
        return Words(zh or en or meter, en or zh or meter)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is so now. `cause` is the same as long as it is the same trouble."""

    cause: str
    scope: str  # whose it is: root | region | institution
    node: str
    since: int
    title: Words
    text: Words
    things: int = 1
    severity: str | None = None  # the rule's where None
    link: str = ""
    is_withdrawn: bool = False  # it was raised, and turned out not to be so


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one rule found. What stands for a cause of `unjudged` stays as it is: nobody can tell now."""

    conditions: tuple[Condition, ...] = ()
    unjudged: frozenset[str] = field(default_factory=frozenset)
