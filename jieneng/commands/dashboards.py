"""Grafana dashboards: `dashboards build`, `dashboards push`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from energy.settings import Settings, load, secret
from jieneng.commands.options import Home

if TYPE_CHECKING:
    from dashboards.board import Place

app = typer.Typer(help="Grafana dashboards: write their files, or bring them into a Grafana.", no_args_is_help=True)


@app.command(epilog="Example: jieneng dashboards build --to /etc/grafana/jieneng")
def build(
    to: Annotated[
        Path | None, typer.Option(help="Folder to write zh/ and en/ into; default: the package's.", show_default=False)
    ] = None,
    home: Home = None,
) -> None:
    """Write the dashboards' JSON for file provisioning, with this installation's time zone and console."""
    from dashboards.build import GENERATED, write

    place = place_of(load(home)) if to is not None else None
    changed = write(to or GENERATED, place)
    for path in changed:
        typer.echo(f"written {path}")
    typer.echo(f"{len(changed)} files changed")


@app.command(epilog="Example: jieneng dashboards push --dry-run")
def push(
    home: Home = None,
    dry_run: Annotated[bool, typer.Option(help="Show what would change, change nothing.")] = False,
) -> None:
    """Bring data source, folders and dashboards of a Grafana up to date; what is right already is left alone."""
    from dashboards.provision import Grafana, Source
    from energy.errors import SettingsError

    settings = load(home)
    own = settings.grafana
    if own.url is None:
        raise SettingsError("grafana.url is not set: name the Grafana to push to, like http://127.0.0.1:3000")
    grafana = Grafana(own.url, secret(own.token, own.token_file, "grafana.token"))
    store = settings.store
    token = secret(store.read_token, store.read_token_file, "store.read_token")
    source = Source(own.store_url or store.url, store.bucket, token)
    n_changed = 0
    for change in grafana.push(source, place_of(settings), dry_run=dry_run):
        typer.echo(f"{change.deed:8} {change.kind} {change.uid}")
        n_changed += change.deed != "same"
        if dry_run:
            for line in change.difference:
                typer.echo(f"    {line}")
    typer.echo(f"{n_changed} {'would change' if dry_run else 'changed'}")


def place_of(settings: Settings) -> Place:
    """Time zone and console of this installation."""
    from dashboards.board import Place

    web = settings.web
    return Place(settings.zone, (settings.grafana.console_url or f"http://{web.host}:{web.port}").rstrip("/"))
