"""`jieneng up`: ingest and work as two supervised processes, and the demo on request."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
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
from jieneng.supervisor import Part, Supervisor

_READY_S: Final = 60.0
DEMO_USER: Final = "demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """What `up --demo` was asked for."""

    once: bool = False
    days: int | None = None


def run_up(settings: Settings, demo: Demo | None) -> int:
    """Run until SIGTERM or SIGINT, or with `demo.once` until the demo is loaded and checked; the exit code."""
    console = Console()
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(settings.home):
        settings, notes = ports.settled(settings)
        for note in notes:
            console.print(f"[yellow]{note}[/]")
        Registry.open(settings.registry_url, migrate=True).close()
        link = _entry(settings)
        stop = _stop_on_signals()
        parts = [Part(verb, settings.home, ports.environment(settings)) for verb in ("collect", "serve")]
        session = _prepared(settings, demo, console) if demo else None
        with _running(Supervisor(parts), stop):
            wait_ready(settings, stop)
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


def wait_ready(settings: Settings, stop: threading.Event) -> None:
    """Wait until both processes answer; SettingsError names the log where they do not."""
    urls = [
        f"http://{settings.ingest.http_host}:{settings.ingest.http_port}/livez",
        f"http://{settings.web.host}:{settings.web.port}/livez",
    ]
    limit = time.monotonic() + _READY_S
    while not all(map(_answers, urls)):
        if stop.is_set():
            return
        if time.monotonic() > limit:
            raise SettingsError(f"the processes did not start within {_READY_S:.0f} s: see {settings.home / 'logs'}")
        time.sleep(0.1)


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


def _prepared(settings: Settings, demo: Demo, console: Console) -> Session:
    with console.status("growing the province 示例省"):
        return Session.prepare(settings, days=demo.days, console=console)


@contextmanager
def _running(supervisor: Supervisor, stop: threading.Event) -> Iterator[None]:
    """The parts run inside, and are stopped on the way out."""
    supervisor.start()
    tender = threading.Thread(target=_tend, args=(supervisor, stop), name="supervisor")
    tender.start()
    try:
        yield
    finally:
        stop.set()
        tender.join()
        supervisor.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 -- our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _tend(supervisor: Supervisor, stop: threading.Event) -> None:
    while not stop.wait(0.5):
        supervisor.tend()


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_args: stop.set())
    return stop


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the installation for this process, so that no second `up` works on the same folder."""
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise SettingsError(f"{home}: another `jieneng up` runs here; end it, or give another --home") from exc
        yield
