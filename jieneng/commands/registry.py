"""Verbs about who and where and what was decided: `import`, `export`, `credential`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from energy.settings import Settings, load
from jieneng.commands.options import Home

if TYPE_CHECKING:
    from energy.registry import Registry


class Noun(StrEnum):
    """What a file may hold; each is one sheet or several."""

    REGISTRY = "registry"
    BILLS = "bills"
    TARIFFS = "tariffs"
    QUOTAS = "quotas"
    TARGETS = "targets"
    WEATHER = "weather"


_SHEETS = {
    Noun.BILLS: ("bills",),
    Noun.TARIFFS: ("tariffs", "tariff_uses"),
    Noun.QUOTAS: ("quotas",),
    Noun.TARGETS: ("targets", "target_rules"),
}
NounArgument = Annotated[Noun, typer.Argument(help="What the file holds; registry: all sheets.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("import", epilog="Example: jieneng import registry province.xlsx")(import_)
    app.command(epilog="Example: jieneng export bills bills.xlsx")(export)
    app.command(epilog="Example: jieneng credential gw-0101")(credential)


def import_(
    noun: NounArgument,
    path: Annotated[Path, typer.Argument(help="xlsx file, csv file, or a folder of csv files.", exists=True)],
    home: Home = None,
    column: Annotated[
        list[str] | None, typer.Option(help="weather: COLUMN=SENSOR, for each column to take (repeatable).")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="List problems, change nothing.")] = False,
) -> None:
    """Take a file in: all of it or nothing, with every problem named. Weather goes through the running collector."""
    from energy.registry import Registry, read_sheets

    settings = load(home)
    registry = Registry.open(settings.registry_url)
    try:
        if noun is Noun.WEATHER:
            _import_weather(path, column or [], registry, settings)
            return
        sheets = read_sheets(path)
        _refuse_others(noun, sheets)
        result = registry.import_sheets(sheets, dry_run=dry_run)
    finally:
        registry.close()
    typer.echo(str(result))


def export(
    noun: NounArgument,
    path: Annotated[Path, typer.Argument(help="xlsx file, or a folder for csv files.")],
    home: Home = None,
) -> None:
    """Write a spreadsheet that can be imported again."""
    from energy.registry import Registry, write_sheets

    if noun is Noun.WEATHER:
        raise typer.BadParameter("weather is read through the API, not exported here")
    registry = Registry.open(load(home).registry_url)
    try:
        write_sheets(registry.export_sheets(*_SHEETS.get(noun, ())), path)
    finally:
        registry.close()
    typer.echo(f"{path}: written")


def credential(
    gateway: Annotated[str, typer.Argument(help="Gateway id.")],
    home: Home = None,
    end: Annotated[bool, typer.Option("--end", help="Let the gateway in no more, instead of issuing.")] = False,
) -> None:
    """Issue a gateway's MQTT password (user name = gateway id). It is shown once; an earlier one ends."""
    from energy.registry import Registry
    from jieneng.credentials import issue, revoke

    settings = load(home)
    registry = Registry.open(settings.registry_url)
    try:
        if end:
            revoke(settings, registry, gateway)
            typer.echo(f"{gateway}: has no credential any more")
        else:
            typer.echo(f"username: {gateway}\npassword: {issue(settings, registry, [gateway])[gateway]}")
    finally:
        registry.close()


def _import_weather(path: Path, columns: list[str], registry: Registry, settings: Settings) -> None:
    from jieneng.weather import push

    pairs = [column.partition("=") for column in columns]
    if not pairs or not all(name and sensor for name, _, sensor in pairs):
        raise typer.BadParameter("weather needs --column COLUMN=SENSOR, e.g. --column temp_c=wx1.t")
    taken = push(path, {name: sensor for name, _, sensor in pairs}, registry.snapshot(), settings)
    typer.echo(f"{path}: {taken:,} readings taken by the collector")


def _refuse_others(noun: Noun, sheets: Iterable[str]) -> None:
    allowed = _SHEETS.get(noun)
    others = sorted(set(sheets).difference(allowed or sheets))
    if others:
        raise typer.BadParameter(f"a file of {noun} holds {', '.join(allowed or ())}; found {', '.join(others)}")
