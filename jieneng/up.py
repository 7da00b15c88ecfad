"""`jieneng up`: the Embedded size by one command: ingest and work as two supervised processes, the demo on request."""

from __future__ import annotations

from rich.console import Console

from energy.registry import Registry
from energy.settings import Settings
from jieneng import ports
from jieneng.running import Demo, attend, only_one, stop_on_signals


def run_up(settings: Settings, demo: Demo | None) -> int:
    """Run until SIGTERM or SIGINT, or with `demo.once` until the demo is loaded and checked; the exit code."""
    console = Console()
    with only_one(settings.home):
        settings, notes = ports.settled(settings)
        for note in notes:
            console.print(f"[yellow]{note}[/]")
        Registry.open(settings.registry_url, migrate=True).close()
        return attend(settings, demo, console, stop_on_signals())
