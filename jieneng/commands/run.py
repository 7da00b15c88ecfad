"""Verbs that run parts: `up`, `stack`, `collect`, `serve`, `analyse`, `migrate`, `backup`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from energy.settings import load
from jieneng.commands.options import Home

if TYPE_CHECKING:
    from jieneng.running import Demo

WithDemo = Annotated[bool, typer.Option("--demo", help="Load a simulated province and real buildings through MQTT.")]
Once = Annotated[bool, typer.Option("--once", help="With --demo: load, check against the truth, print a table, end.")]
Days = Annotated[int | None, typer.Option(help="With --demo: days of history instead of two years.", min=2)]
Houses = Annotated[int | None, typer.Option(help="With --demo: only so many institutions.", min=1)]
WithParent = Annotated[bool, typer.Option(help="End when standard input ends (so `up` starts its parts).")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(epilog="Example: jieneng up --demo --once")(up)
    app.command(epilog="Example: jieneng stack --demo --days 60")(stack)
    app.command(epilog="Example: jieneng collect --home /var/lib/jieneng")(collect)
    app.command(epilog="Example: jieneng serve --home /var/lib/jieneng")(serve)
    app.command(epilog="Example: jieneng analyse --institution 990101-01 --since 2026-01-01")(analyse)
    app.command(epilog="Example: jieneng migrate --home /var/lib/jieneng")(migrate)
    app.command(epilog="Example: jieneng backup /mnt/backup/2026-11-22 --home /var/lib/jieneng")(backup)


def up(home: Home = None, demo: WithDemo = False, once: Once = False, days: Days = None, houses: Houses = None) -> None:
    """Run everything by one command: ingest and work as supervised processes, embedded store, console."""
    from jieneng.up import run_up

    raise typer.Exit(run_up(load(home), _demo(demo, once, days, houses)))


def stack(
    home: Home = None,
    demo: WithDemo = False,
    once: Once = False,
    days: Days = None,
    houses: Houses = None,
    free_ports: Annotated[bool, typer.Option(help="At the first start: any free ports instead of the usual.")] = False,
    mosquitto: Annotated[Path | None, typer.Option(help="Program; default: that on PATH.")] = None,
    influxd: Annotated[Path | None, typer.Option(help="Program of InfluxDB 2; default: that on PATH.")] = None,
    grafana: Annotated[Path | None, typer.Option(help="Grafana's folder; default: /usr/share/grafana.")] = None,
) -> None:
    """Run the Standard size on this machine: Mosquitto, InfluxDB 2, Grafana and our processes, on loopback."""
    from jieneng.stack.run import run_stack
    from jieneng.stack.servers import Servers

    servers = Servers.found(mosquitto, influxd, grafana)
    raise typer.Exit(run_stack(load(home), servers, _demo(demo, once, days, houses), free_ports=free_ports))


def collect(home: Home = None, with_parent: WithParent = False) -> None:
    """Take readings from MQTT (own endpoint or a broker) to disk and on to the store."""
    from jieneng.parts import run_collect

    _mind_parent(with_parent)
    asyncio.run(run_collect(load(home)))


def serve(
    home: Home = None,
    jobs: Annotated[bool, typer.Option(help="Compute what new readings touched.")] = True,
    with_parent: WithParent = False,
) -> None:
    """Serve console and API, and compute what new readings touched."""
    from jieneng.parts import run_serve

    _mind_parent(with_parent)
    run_serve(load(home), with_jobs=jobs)


def analyse(
    home: Home = None,
    institution: Annotated[list[str] | None, typer.Option(help="Only this institution (repeatable).")] = None,
    since: Annotated[datetime | None, typer.Option(help="Recompute from this day on, touched or not.")] = None,
    refit: Annotated[bool, typer.Option(help="Fit the meters' profiles anew first.")] = False,
    workers: Annotated[int | None, typer.Option(help="Processes to use; default: setting work.workers.", min=1)] = None,
) -> None:
    """Compute totals and indicators of what was touched, once."""
    from jieneng.analysing import run_analyse

    day = since.date() if since else None
    run_analyse(load(home), institutions=institution, since=day, refit=refit, workers=workers)


def migrate(home: Home = None) -> None:
    """Bring the databases of this installation to this program's schema, after taking a copy."""
    from energy.registry import Registry

    settings = load(home)
    settings.home.mkdir(parents=True, exist_ok=True)
    Registry.open(settings.registry_url, migrate=True).close()
    typer.echo(f"{settings.home}: registry is up to date")


def backup(
    folder: Annotated[Path, typer.Argument(help="Folder to make; a backup never overwrites another.")],
    home: Home = None,
) -> None:
    """Copy registry, spool and embedded store while they are in use; to restore, copy the folder to a new home."""
    from jieneng.backup import back_up, elsewhere

    settings = load(home)
    for copy in back_up(settings, folder):
        typer.echo(f"{copy.name}: {copy.size / 1e6:.1f} MB, checked")
    for told in elsewhere(settings):
        typer.echo(told)
    typer.echo("secrets were not copied: keep them apart")


def _demo(demo: bool, once: bool, days: int | None, houses: int | None) -> Demo | None:
    from jieneng.running import Demo

    return Demo(once=once, days=days, houses=houses) if demo or once else None


def _mind_parent(with_parent: bool) -> None:
    if with_parent:
        from jieneng.parentage import stop_when_input_ends

        stop_when_input_ends()
