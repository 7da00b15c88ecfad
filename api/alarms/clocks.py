"""Gateways whose clock is wrong; if most are wrong the same way, it is ours."""

from __future__ import annotations

from typing import Final

from analytics.clocks import by_gateway
from api.alarms.rules import limit
from api.alarms.view import Condition, Judgement, View, Words
from energy.registry import AlarmRule
from energy.storage.status import clocks_by_meter

_MANY: Final = 5
_OURS: Final = "clock/server"


def clocks(view: View, rule: AlarmRule) -> Judgement:
    """Gateways whose clock is ahead or behind (threshold: seconds); the clock of the server where most are."""
    gateway_of = {m.id: m.gateway for m in view.snapshot.meters.values() if m.gateway is not None}
    known = by_gateway(gateway_of, clocks_by_meter(view.store, view.now), view.leads)
    known = {name: ahead for name, ahead in known.items() if name in view.snapshot.gateways}
    off = {name: ahead for name, ahead in known.items() if abs(ahead) >= limit(rule)}
    standing = {cause for cause in view.standing if cause.startswith("clock/")}
    same_way = max((sum((ahead > 0) == way for ahead in off.values()) for way in (True, False)), default=0)
    if same_way >= _MANY and same_way * 2 > len(known):
        return Judgement((_server(view, off),), frozenset(standing - {_OURS}))
    unheard = {cause for cause in standing - {_OURS} if cause.removeprefix("clock/") not in known}
    return Judgement(tuple(_gateway(view, *one) for one in sorted(off.items())), frozenset(unheard))


def _gateway(view: View, name: str, ahead: float) -> Condition:
    gateway = view.snapshot.gateways[name]
    owner = view.name_of("institution", gateway.institution)
    zh, en = gateway.name_zh or name, gateway.name_en or gateway.name_zh or name
    return Condition(
        cause=f"clock/{name}",
        scope="institution",
        node=gateway.institution,
        since=0,
        title=Words(
            f"{owner.zh} 网关 {zh}：时钟{_how_zh(ahead)}", f"{owner.en}, gateway {en}: its clock is {_how_en(ahead)}"
        ),
        text=Words(
            "读数会被记入相邻时段；超前 5 分钟以上的读数被搁置，校时后可重放。请为网关设置自动校时（NTP）。",
            "Its readings count in a neighbouring interval; those more than 5 minutes ahead are parked and can be "
            "replayed later. Let the gateway set its clock by itself (NTP).",
        ),
        link="/quality",
    )


def _server(view: View, off: dict[str, float]) -> Condition:
    n = len(off)
    return Condition(
        cause=_OURS,
        scope="root",
        node="",
        since=view.now,
        title=Words(
            f"{n} 个网关的时钟同向偏差：请检查服务器时钟",
            f"The clocks of {n} gateways are off the same way: check the server's",
        ),
        text=Words(
            "多数网关同时偏差，通常是本服务器的时钟不准。请检查服务器校时（timedatectl）。",
            "Most gateways are off together, which mostly means that this server's clock is: see timedatectl.",
        ),
        things=n,
        severity="critical",
        link="/quality",
    )


def _how_zh(ahead: float) -> str:
    return f"{'快' if ahead > 0 else '慢'}约 {_rounded(ahead)} 分钟"


def _how_en(ahead: float) -> str:
    return f"{_rounded(ahead)} minutes {'fast' if ahead > 0 else 'slow'}"


def _rounded(ahead: float) -> str:
    """Whole minutes: a title that changed each minute would look like news."""
    return f"{max(round(abs(ahead) / 60), 1)}"
