"""The demo: a simulated province and real recorded buildings, sent through MQTT as gateways send."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Self

from rich.console import Console

from energy.registry import Registry
from energy.settings import Settings
from energy.storage import open_store
from jieneng import verdict
from jieneng.credentials import issue
from jieneng.progress import Watcher, counters
from simulators import province, replay
from simulators.messages import Message, Tally
from simulators.publish import Limits, Publisher, Target, go_live, publish

BILLED: Final = 200
"""Institutions with bills only: enough for every type to have a peer group."""
FEW_BILLED: Final = 12
"""With a history of days only, peers mean nothing."""


@dataclass
class Session:
    """One loading of the demo into one installation."""

    settings: Settings
    console: Console
    plan: province.DemoPlan
    recording: replay.Recording
    secrets: dict[str, str]
    before: dict[str, int]
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def prepare(cls, settings: Settings, *, days: int | None, houses: int | None, console: Console) -> Self:
        """Grow the province, put it into the registry, issue its gateways' credentials."""
        plan, recording = _plan(int(time.time()), days, houses), replay.sample()
        grown = plan.province
        registry = Registry.open(settings.registry_url)
        try:
            for sheets in (grown.sheets, recording.sheets, _of_one(grown.decisions, grown.houses[0].id)):
                registry.import_sheets(sheets)
            gateways = [g.id for parts in grown.gateways.values() for g in parts] + recording.gateways
            secrets = issue(settings, registry, gateways)
        finally:
            registry.close()
        return cls(settings, console, plan, recording, secrets, counters(settings))

    @property
    def target(self) -> Target:
        """Where the gateways publish."""
        host = "127.0.0.1" if self.settings.mqtt.host in ("0.0.0.0", "::") else self.settings.mqtt.host  # noqa: S104
        return Target(host, self.settings.mqtt.port, self.secrets, tls_ca=self.settings.mqtt.tls_ca)

    def grow(self) -> None:
        """What else belongs to the province: institutions with bills only, tariffs and this year's targets."""
        registry = Registry.open(self.settings.registry_url)
        try:
            if self.plan.province.billed is not None:
                registry.import_sheets(self._closed(self.plan.province.billed.sheets))
            registry.import_sheets(self.plan.province.decisions)
        finally:
            registry.close()

    def load(self, stop: threading.Event) -> float:
        """Send the whole history with progress bars and wait until it is stored and computed; the seconds it took."""
        started = time.monotonic()
        with Watcher(self.settings, self.console, self.before) as watcher:
            messages = _until(stop, self.tally.counting(self._messages(watcher, stop)))
            publish(messages, self.target, limits=Limits(in_flight=16), progress=lambda m: watcher.add_sent(m.readings))
            watcher.wait_quiet(self.tally.sent, stop)
        return time.monotonic() - started

    def judge(self, seconds: float) -> bool:
        """Compare what is stored and computed with the truth, print the table; True when all of it agrees."""
        store = open_store(self.settings, role="read")
        registry = Registry.open(self.settings.registry_url)
        now = counters(self.settings)
        counted = {name: n - self.before.get(name, 0) for name, n in now.items()}
        try:
            result = verdict.judge(self.plan, self.recording, self.tally, counted, store)
            found = verdict.look(self.plan, registry)
        finally:
            store.close()
            registry.close()
        self.console.print(verdict.table(result, seconds))
        self.console.print(verdict.detection_table(found))
        for line in result.complaints:
            self.console.print(f"[red]{line}[/]", soft_wrap=True)
        return not result.complaints

    def go_live(self, stop: threading.Event) -> None:
        """Go on with 15-minute readings as time passes, in a thread of its own."""
        publisher = Publisher(self.target, limits=Limits(connections=len(self.secrets)))
        arguments = (self.plan.live, publisher, self.plan.history_end - 1)
        threading.Thread(target=go_live, args=arguments, kwargs={"stop": stop}, name="live", daemon=True).start()

    def _closed(self, sheets: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        """The sheets without bills that have not come yet."""
        today = self.plan.province.calendar.date_of(self.plan.now).isoformat()
        return {**sheets, "bills": [row for row in sheets["bills"] if row["last_day"] < today]}

    def _messages(self, watcher: Watcher, stop: threading.Event) -> Iterator[Message]:
        """One institution first, and nothing else until it is computed; then bills, real buildings, all others.

        Whoever has just started the demo thus soon sees something whole: consumption, findings, warnings.
        """
        first, *others = [house.id for house in self.plan.province.houses]
        start, end = self.plan.start, self.plan.history_end
        yield from self.plan.province.messages(start, end, houses=[first])
        watcher.wait_computed(self.tally.sent, stop)
        self.grow()
        yield from self.recording.messages()
        yield from self.plan.province.messages(start, end, houses=others)


def _of_one(decisions: Mapping[str, list[dict[str, Any]]], house: str) -> dict[str, list[dict[str, Any]]]:
    """Of what was decided, what concerns one institution."""
    own = {"tariff_uses": "id", "target_rules": "institution", "targets": "id"}
    return {
        name: [row for row in rows if name not in own or row[own[name]] == house] for name, rows in decisions.items()
    }


def _plan(now: int, days: int | None, houses: int | None) -> province.DemoPlan:
    plan = province.demo_plan(now, houses=houses, billed=BILLED if days is None else FEW_BILLED)
    if days is None:
        return plan
    local = plan.province.calendar
    return replace(plan, start=max(plan.start, local.start_of(local.date_of(now) - timedelta(days=days))))


def _until(stop: threading.Event, messages: Iterable[Message]) -> Iterator[Message]:
    for message in messages:
        if stop.is_set():
            return
        yield message
