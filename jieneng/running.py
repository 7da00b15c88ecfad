"""What `up` and `stack` share: one at a time in a home, signals, supervised processes, the way in, the demo."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from energy.errors import SettingsError
from energy.registry import Node, Registry, Role, User
from energy.settings import Settings
from jieneng import ports
from jieneng.demo import Session
from jieneng.probes import answers
from jieneng.supervisor import Part, Supervisor

_READY_S: Final = 120.0
DEMO_USER: Final = "demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """What `--demo` was asked for."""

    once: bool = False
    days: int | None = None
    houses: int | None = None


def attend(settings: Settings, demo: Demo | None, console: Console, stop: threading.Event, *beside: Part) -> int:
    """Run our processes, and others beside them, until told to stop; load the demo; the exit code."""
    parts = [*_own(settings), *beside]
    session = _prepared(settings, demo, console) if demo else None
    link = _entry(settings)
    with supervised(parts, stop):
        wait_ready(parts, stop)
        console.print(f"console  http://{settings.web.host}:{settings.web.port}/{link}", soft_wrap=True)
        console.print(f"MQTT     {settings.mqtt.host}:{settings.mqtt.port}")
        if session is not None and demo is not None:
            seconds = session.load(stop)
            if demo.once:
                return 0 if not stop.is_set() and session.judge(seconds) else 1
            session.go_live(stop)
        console.print("running; Ctrl-C stops")
        stop.wait()
    return 0


def _own(settings: Settings) -> list[Part]:
    ingest, web, environment = settings.ingest, settings.web, ports.environment(settings)
    addresses = {"collect": (ingest.http_host, ingest.http_port), "serve": (web.host, web.port)}
    return [
        Part.of_jieneng(verb, settings.home, answers(f"http://{host}:{port}/livez"), environment)
        for verb, (host, port) in addresses.items()
    ]


def wait_ready(parts: Sequence[Part], stop: threading.Event) -> None:
    """Wait until all are ready; SettingsError names those that are not, and their logs."""
    limit = time.monotonic() + _READY_S
    while missing := [part for part in parts if not part.is_ready()]:
        if stop.wait(0.1):
            return
        if time.monotonic() > limit:
            named = ", ".join(f"{part.name} (see {part.log})" for part in missing)
            raise SettingsError(f"expected to be ready within {_READY_S:.0f} s, still missing: {named}")


@contextmanager
def supervised(parts: list[Part], stop: threading.Event) -> Iterator[None]:
    """The parts run inside, and are stopped on the way out."""
    supervisor = Supervisor(parts)
    tender = threading.Thread(target=_tend, args=(supervisor, stop), name="supervisor")
    supervisor.start()
    tender.start()
    try:
        yield
    finally:
        stop.set()
        tender.join()
        supervisor.stop()


def _tend(supervisor: Supervisor, stop: threading.Event) -> None:
    while not stop.wait(0.5):
        supervisor.tend()


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM and Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_args: stop.set())
    return stop


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the installation for this process, so that no second one works on the same folder."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            told = f"{home}: another `jieneng up` runs here (or `jieneng stack`); end it, or give another --home"
            raise SettingsError(told) from exc
        yield


def _prepared(settings: Settings, demo: Demo, console: Console) -> Session:
    with console.status("growing the province 示例省"):
        return Session.prepare(settings, days=demo.days, houses=demo.houses, console=console)


def _entry(settings: Settings) -> str:
    """On loopback the path of a link that signs the demo user in, once; elsewhere accounts are made by hand."""
    if not ports.is_loopback(settings.web.host):
        return ""
    now = int(time.time())
    with contextlib.closing(Registry.open(settings.registry_url)) as registry:
        users = registry.accounts.users()
        if not users:
            registry.accounts.add(User(DEMO_USER, Role.ADMINISTRATOR, Node(), display="示例用户 Demo"), now=now)
        elif all(user.name != DEMO_USER for user in users):
            return ""  # an administrator made accounts and took this one away
        return f"enter/{registry.accounts.one_time_link(DEMO_USER, now=now)}"
