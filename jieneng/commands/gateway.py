"""For makers of gateways: `check-payload`, a dry run of one message."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from energy.settings import load
from jieneng.commands.options import Home


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check-payload", epilog="Example: jieneng check-payload message.json --gateway gw-1")(check_payload)


def check_payload(
    file: Annotated[
        Path,
        typer.Argument(
            help="File with the payload; - reads standard input.", exists=True, dir_okay=False, allow_dash=True
        ),
    ],
    gateway: Annotated[str, typer.Option(help="Gateway that would send it (its id in the registry).")],
    home: Home = None,
    topic: Annotated[str | None, typer.Option(help="Topic, if not the gateway's readings.")] = None,
) -> None:
    """Say what the platform would do with a message: accepted readings, and every reason for parking. Keeps nothing."""
    from energy.registry import Registry
    from energy.topics import Topic
    from jieneng.payload import examine

    settings = load(home)
    payload = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    registry = Registry.open(settings.registry_url)
    try:
        snapshot = registry.snapshot()
    finally:
        registry.close()
    where = topic or str(Topic(snapshot.gateway_of(gateway).institution, gateway))
    result = examine(where, payload, snapshot, settings.ingest)
    typer.echo(f"topic {where}: {result.accepted} readings accepted, {result.duplicate} duplicate within the message")
    if result.unknown_fields:
        typer.echo(f"{result.unknown_fields} unknown fields ignored")
    for finding in result.parked:
        typer.echo(f"parked {finding.reason}: {finding.count} reading(s) {finding.meter} {finding.detail}")
    if not result.is_clean:
        typer.echo("the table of reasons with what to do is in docs/gateway.md")
    raise typer.Exit(0 if result.is_clean else 1)
