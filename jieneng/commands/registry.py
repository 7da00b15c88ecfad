"""Verbs about who and where: `import`, `export`, `credential`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from energy.settings import load
from jieneng.commands.options import Home


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("import", epilog="Example: jieneng import registry province.xlsx")(import_)
    app.command(epilog="Example: jieneng export registry province.xlsx")(export)
    app.command(epilog="Example: jieneng credential gw-0101")(credential)


def import_(
    noun: Annotated[str, typer.Argument(help="What: registry.")],
    path: Annotated[Path, typer.Argument(help="xlsx file, or a folder of csv files.", exists=True)],
    home: Home = None,
    dry_run: Annotated[bool, typer.Option(help="List problems, change nothing.")] = False,
) -> None:
    """Take a spreadsheet into the registry: all of it or nothing."""
    from energy.registry import Registry, read_sheets

    _require_noun(noun)
    registry = Registry.open(load(home).registry_url)
    try:
        result = registry.import_sheets(read_sheets(path), dry_run=dry_run)
    finally:
        registry.close()
    typer.echo(str(result))


def export(
    noun: Annotated[str, typer.Argument(help="What: registry.")],
    path: Annotated[Path, typer.Argument(help="xlsx file, or a folder for csv files.")],
    home: Home = None,
) -> None:
    """Write the registry as a spreadsheet that can be imported again."""
    from energy.registry import Registry, write_sheets

    _require_noun(noun)
    registry = Registry.open(load(home).registry_url)
    try:
        write_sheets(registry.export_sheets(), path)
    finally:
        registry.close()
    typer.echo(f"{path}: written")


def credential(gateway: Annotated[str, typer.Argument(help="Gateway id.")], home: Home = None) -> None:
    """Issue a gateway's MQTT password (user name = gateway id). It is shown once; an earlier one ends."""
    from energy.registry import Registry

    registry = Registry.open(load(home).registry_url)
    try:
        secret = registry.issue_credential(gateway)
    finally:
        registry.close()
    typer.echo(f"username: {gateway}\npassword: {secret}")


def _require_noun(noun: str) -> None:
    if noun != "registry":
        raise typer.BadParameter(f"expected registry, got {noun!r}")
