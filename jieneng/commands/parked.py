"""`parked`: what was set aside, and sending it in again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from energy.errors import SpoolError
from energy.settings import Settings, load
from jieneng.commands.options import Home

if TYPE_CHECKING:
    from collector.parked import Parked
    from collector.spool import SpoolReader

app = typer.Typer(help="Messages and readings set aside with a reason: list, show, replay.", no_args_is_help=True)
_HEAD: Final = ("id", "reason", "gateway", "meter", "readings", "last (UTC)", "detail")
ReasonOption = Annotated[str | None, typer.Option(help="Only this reason code.")]


@app.command("list", epilog="Example: jieneng parked list --reason unknown_device")
def list_(
    home: Home = None,
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option(help="Most rows shown.", min=1)] = 50,
) -> None:
    """List what is parked, with counts; not on a terminal one line each, its columns apart by tabs."""
    rows = [_cells(row) for row in _reader(load(home)).parked(reason=reason, limit=limit)]
    if not sys.stdout.isatty():
        typer.echo("\n".join("\t".join(row) for row in [_HEAD, *rows]))
        return
    table = Table(box=None)
    for name in _HEAD:
        table.add_column(name, no_wrap=name != _HEAD[-1], overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


@app.command(epilog="Example: jieneng parked show 17")
def show(number: Annotated[int, typer.Argument(help="Id from `parked list`.")], home: Home = None) -> None:
    """Show one parked thing with its raw body (control characters escaped)."""
    rows = _reader(load(home)).parked(ids=[number])
    if not rows:
        raise SpoolError(f"nothing is parked under id {number}; `jieneng parked list` shows what is")
    row = rows[0]
    typer.echo(f"{row.reason.value}: {row.detail}\ntopic {row.topic!r}, {row.count} reading(s)")
    body = row.body.decode("utf-8", "backslashreplace") if row.body is not None else None
    typer.echo("the body was given up for space" if body is None else _printable(body))


@app.command(epilog="Example: jieneng parked replay --reason unknown_device")
def replay(
    home: Home = None,
    reason: ReasonOption = None,
    number: Annotated[list[int] | None, typer.Option("--id", help="Only this one (repeatable).")] = None,
) -> None:
    """Send parked messages in again, after their cause was mended (asks the running collector)."""
    from jieneng.operator import ask

    result = ask(load(home), "/api/v1/parked/replay", {"reason": reason, "ids": number})
    typer.echo(" ".join(f"{key}={value}" for key, value in result.items()))


def _cells(row: Parked) -> tuple[str, ...]:
    last = datetime.fromtimestamp(row.last, UTC).strftime("%Y-%m-%d %H:%M:%S")
    cells = str(row.id), row.reason.value, row.gateway, row.meter, str(row.count), last, row.detail
    return tuple(map(_printable, cells))


def _printable(text: str) -> str:
    """Control characters escaped: nothing that a gateway sends steers the terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _reader(settings: Settings) -> SpoolReader:
    from collector.spool import SpoolReader

    path = settings.home / "spool" / "spool.db"
    if not path.is_file():
        raise SpoolError(f"{path}: there is no spool yet; nothing was taken here")
    return SpoolReader(path)
