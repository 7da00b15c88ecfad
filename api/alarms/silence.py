"""Meters that went silent, told by the cause: the largest part of the tree in which nobody speaks is one notice.

A broker that is down silences ten thousand meters, and that is one alarm (promise P-52). The tree is walked from the
top: installation, regions, institution, gateway, meters. A part is dead when nobody in it was heard for as long as
its quickest meter may miss readings, and most of its meters are overdue by their own interval. While it is not heard
and not dead yet, nothing below it is judged. After it came back, everything below gets its full time to speak again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from api.alarms.rules import limit
from api.alarms.view import Condition, Judgement, View, Words
from energy.intervals import DAY
from energy.model import Meter, MeterKind
from energy.registry import AlarmRule, Snapshot

SLACK_S: Final = 120
SHORTEST_S: Final = 900
"""Nothing is called silent sooner than this, whatever its interval."""
_NAMED: Final = 8
_FORGOTTEN_S: Final = 30 * DAY
_MOST: Final = 0.5


@dataclass(slots=True)
class _Part:
    """A part of the tree with the meters in it that were heard once."""

    scope: str  # root | region | institution | gateway
    node: str
    meters: list[Meter] = field(default_factory=list)
    parts: dict[tuple[str, str], _Part] = field(default_factory=dict)

    @property
    def cause(self) -> str:
        return f"silent/{self.scope}/{self.node}"

    def below(self) -> Iterator[_Part]:
        """Every part in this one."""
        for part in self.parts.values():
            yield part
            yield from part.below()


def silent(view: View, rule: AlarmRule) -> Judgement:
    """Parts of the tree that fell silent (threshold: missed readings in a row)."""
    if any(cause.startswith("collector/") for cause in view.standing):
        return Judgement(unjudged=_standing(view))  # a collector that is down hears nobody
    today = view.calendar.date_of(view.now)
    meters = [m for m in view.snapshot.meters.values() if _should_speak(m, today)]
    latest = {name: time for name, (time, _) in view.store.latest([m.id for m in meters]).items()}
    heard = [meter for meter in meters if meter.id in latest and _is_missed(view, meter, latest[meter.id])]
    walk = _Walk(view, limit(rule), latest)
    top = _tree(view.snapshot, heard)
    if heard:
        walk.judge(top, 0)
    return Judgement((*walk.found, *walk.single()), frozenset(walk.unjudged))


def _should_speak(meter: Meter, today: date) -> bool:
    begun = meter.active_from is None or meter.active_from <= today
    ended = meter.active_to is not None and meter.active_to <= today
    return meter.kind is MeterKind.PHYSICAL and meter.gateway is not None and begun and not ended


def _is_missed(view: View, meter: Meter, last: int) -> bool:
    """False for a meter that was gone long before anybody was told: a recording, or one taken out of service."""
    if view.now - last <= _FORGOTTEN_S:
        return True
    parts = [f"{scope}/{node}" for scope, node in _way(view.snapshot, meter)]
    causes = [f"silent/{part}" for part in ("root/", *parts, f"meters/{meter.institution}")]
    return any(view.standing[cause].opened <= last + _FORGOTTEN_S for cause in causes if cause in view.standing)


class _Walk:
    """One walk from the top of the tree down."""

    def __init__(self, view: View, missed: float, latest: dict[str, int]) -> None:
        self._view = view
        self._missed = missed
        self._latest = latest
        self._single: dict[str, list[Meter]] = defaultdict(list)
        self.found: list[Condition] = []
        self.unjudged: set[str] = set()

    def judge(self, part: _Part, resumed: int) -> None:
        """Judge a part of which everything above was heard; `resumed` is when the last of those came back."""
        quiet = self._view.now - max(self._latest[m.id] for m in part.meters)
        if self._is_dead(part, quiet, resumed):
            self.found.append(self._condition(part))
            self._leave(part)
            return
        resumed = max(resumed, self._resumed(part.cause))
        if quiet > min(m.interval_s for m in part.meters) + SLACK_S and len(part.meters) > 1:
            self.unjudged.add(part.cause)
            self._leave(part)
            return
        for inner in part.parts.values():
            self.judge(inner, resumed)
        if not part.parts:
            self._judge_meters(part, resumed)

    def single(self) -> Iterator[Condition]:
        """One condition an institution for meters that are silent by themselves."""
        for institution, meters in self._single.items():
            cause = f"silent/meters/{institution}"
            if cause not in self.unjudged:
                yield self._of_meters(cause, institution, meters)

    def _is_dead(self, part: _Part, quiet: int, resumed: int) -> bool:
        if len(part.meters) < 2:
            return False
        limit = self._limit(min(m.interval_s for m in part.meters))
        overdue = sum(self._view.now - self._latest[m.id] > m.interval_s + SLACK_S for m in part.meters)
        return quiet > limit and self._view.now - resumed > limit and overdue > _MOST * len(part.meters)

    def _judge_meters(self, part: _Part, resumed: int) -> None:
        for meter in part.meters:
            limit = self._limit(meter.interval_s)
            if self._view.now - self._latest[meter.id] <= limit:
                continue
            if self._view.now - resumed > limit:
                self._single[meter.institution].append(meter)
            else:
                self.unjudged.add(f"silent/meters/{meter.institution}")

    def _leave(self, part: _Part) -> None:
        """Whatever stands below stays as it is."""
        self.unjudged |= {inner.cause for inner in part.below()}
        self.unjudged |= {f"silent/meters/{meter.institution}" for meter in part.meters}

    def _limit(self, interval_s: int) -> float:
        return max(self._missed * interval_s, SHORTEST_S) + SLACK_S

    def _resumed(self, cause: str) -> int:
        """When a part that was dead came back: now, if it stands and was just heard."""
        standing, ended = self._view.standing, self._view.ended
        if cause in standing or any(name.startswith("store/") for name in standing):
            return self._view.now
        plant = [time for name, time in ended.items() if name.startswith(("collector/", "store/"))]
        return max(ended.get(cause, 0), max(plant, default=0))

    def _condition(self, part: _Part) -> Condition:
        view, n = self._view, len(part.meters)
        last = max(self._latest[m.id] for m in part.meters)
        scope, node, name = part.scope, part.node, view.name_of(part.scope, part.node)
        if part.scope == "gateway":
            gateway = view.snapshot.gateways[part.node]
            scope, node = "institution", gateway.institution
            owner = view.name_of(scope, node)
            name = Words(
                f"{owner.zh} 网关 {gateway.name_zh or part.node}",
                f"{owner.en}, gateway {gateway.name_en or gateway.name_zh or part.node}",
            )
        return Condition(
            cause=part.cause,
            scope=scope,
            node=node,
            since=last,
            title=Words(f"{name.zh}：{n} 块表计全部无数据", f"{name.en}: all {n} meters are silent"),
            text=Words(
                "该范围内所有表计同时中断，请先检查网关、网络或消息代理，再检查单块表计。",
                "All meters here stopped together: check gateway, network or broker before any single meter.",
            ),
            things=n,
            severity="critical" if part.scope in ("root", "region") else None,
            link="/quality",
        )

    def _of_meters(self, cause: str, institution: str, meters: list[Meter]) -> Condition:
        name, n = self._view.name_of("institution", institution), len(meters)
        names = [self._view.meter_name(meter.id) for meter in meters[:_NAMED]]
        return Condition(
            cause=cause,
            scope="institution",
            node=institution,
            since=max(self._latest[m.id] for m in meters),
            title=Words(f"{name.zh}：{n} 块表计无数据", f"{name.en}: {n} meter{'s' * (n > 1)} silent"),
            text=Words(
                "、".join(words.zh for words in names) + (" 等" if n > _NAMED else "") + "。请检查表计通信。",
                ", ".join(words.en for words in names) + (" ..." if n > _NAMED else "") + ". Check their connection.",
            ),
            things=n,
            link="/quality",
        )


def _tree(snapshot: Snapshot, meters: Iterable[Meter]) -> _Part:
    """All meters by region, institution and gateway; a part that is its parent's only one takes its place."""
    top = _Part("root", "")
    for meter in meters:
        part = top
        part.meters.append(meter)
        for key in _way(snapshot, meter):
            part = part.parts.setdefault(key, _Part(*key))
            part.meters.append(meter)
    return _short(top)


def _short(part: _Part) -> _Part:
    while len(part.parts) == 1:
        (part,) = part.parts.values()
    part.parts = {key: _short(inner) for key, inner in part.parts.items()}
    return part


def _way(snapshot: Snapshot, meter: Meter) -> list[tuple[str, str]]:
    way = [("gateway", meter.gateway or ""), ("institution", meter.institution)]
    code: str | None = snapshot.institutions[meter.institution].region
    while code is not None and code in snapshot.regions and ("region", code) not in way:
        way.append(("region", code))
        code = snapshot.regions[code].parent
    return way[::-1]


def _standing(view: View) -> frozenset[str]:
    return frozenset(cause for cause in view.standing if cause.startswith("silent/"))
