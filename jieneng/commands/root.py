"""The whole command, from its families."""

from __future__ import annotations

import typer

from jieneng.commands import admin, alarms, dashboards, doctor, gateway, parked, quota, registry, run, simulate


def build() -> typer.Typer:
    """The whole command."""
    app = typer.Typer(
        name="jieneng",
        help="Energy platform of public institutions: meter -> quota -> early warning -> rectification -> report.",
        epilog="Example: jieneng up --demo",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    for family in (run, simulate, gateway, registry, quota, doctor):
        family.register(app)
    app.add_typer(parked.app, name="parked")
    app.add_typer(admin.app, name="admin")
    app.add_typer(alarms.app, name="alarms")
    app.add_typer(dashboards.app, name="dashboards")
    return app
