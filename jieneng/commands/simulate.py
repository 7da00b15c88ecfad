"""Verbs that publish without hardware: `simulate`, `replay`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from energy.settings import Settings, load
from jieneng.commands.options import Home

if TYPE_CHECKING:
    from simulators.messages import Message

DryRun = Annotated[bool, typer.Option(help="Count what would be sent; publish and change nothing.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(epilog="Example: jieneng simulate --days 7 --houses 3")(simulate)
    app.command(epilog="Example: jieneng replay recordings/cambridge --zone Europe/London")(replay)


def simulate(
    home: Home = None,
    days: Annotated[int, typer.Option(help="Days of hourly history up to now.", min=1)] = 7,
    houses: Annotated[int | None, typer.Option(help="Only so many institutions.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Another seed is another province.")] = 1,
    truth: Annotated[Path | None, typer.Option(help="Write what really happened (faults, amounts) as JSON.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Publish the simulated province 示例省 to this installation's MQTT address, as gateways do."""
    from simulators import province
    from simulators.messages import Tally

    plan = province.demo_plan(int(time.time()), seed=seed, houses=houses)
    local = plan.province.calendar
    start = max(plan.start, local.start_of(local.date_of(plan.now) - timedelta(days=days)))
    tally = Tally()
    messages = tally.counting(plan.province.messages(start, plan.history_end))
    gateways = [g.id for parts in plan.province.gateways.values() for g in parts]
    _send(load(home), plan.province.sheets, gateways, messages, dry_run=dry_run)
    if truth is not None:
        plan.province.truth.write(truth, tally=tally, until=plan.history_end)
        typer.echo(f"{truth}: written")


def replay(
    folder: Annotated[Path, typer.Argument(help="Folder of recorded data (electricity_YYYY.csv.gz ...).", exists=True)],
    home: Home = None,
    zone: Annotated[str, typer.Option(help="Time zone of the site.")] = "Europe/London",
    building: Annotated[list[str] | None, typer.Option(help="Only this building (repeatable).")] = None,
    dry_run: DryRun = False,
) -> None:
    """Publish recorded buildings as if their meters were talking now."""
    from simulators import replay as recorded

    recording = recorded.load(folder, zone=zone, buildings=building or ())
    _send(load(home), recording.sheets, recording.gateways, recording.messages(), dry_run=dry_run)


def _send(
    settings: Settings, sheets: dict[str, Any], gateways: list[str], messages: Iterable[Message], *, dry_run: bool
) -> None:
    """Register the senders, give them credentials, publish, and say what became of it."""
    if dry_run:
        sizes = [message.readings for message in messages]
        typer.echo(f"{len(sizes):,} messages with {sum(sizes):,} readings of {len(gateways)} gateways would be sent")
        return
    from energy.registry import Registry
    from jieneng.credentials import issue
    from simulators.publish import Target, publish

    registry = Registry.open(settings.registry_url)
    try:
        registry.import_sheets(sheets)
        secrets = issue(settings, registry, gateways)
    finally:
        registry.close()
    console = Console()
    columns = TextColumn("{task.description} {task.completed:,} readings"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("sent", total=None)
        target = Target(settings.mqtt.host, settings.mqtt.port, secrets, tls_ca=settings.mqtt.tls_ca)
        report = publish(messages, target, progress=lambda message: progress.advance(bar, message.readings))
    refused = ", ".join(f"0x{code:02x}: {n}" for code, n in sorted(report.refused.items())) or "none"
    typer.echo(f"{report.messages:,} messages, {report.readings:,} readings acknowledged; refused: {refused}")
