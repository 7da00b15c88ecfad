"""`doctor`: what is wrong and how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from energy.settings import load
from jieneng.commands.options import Home


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: jieneng doctor --fix")(doctor)


def doctor(
    home: Home = None,
    fix: Annotated[bool, typer.Option(help="Make what is missing: folder, schema, bucket, reading token.")] = False,
) -> None:
    """Check all that an installation depends on, certificates and backup too, and say how to mend what is wrong."""
    from jieneng.doctor import examine

    console = Console()
    broken = 0
    for check in examine(load(home), fix=fix):
        mark = "[green]ok  [/]" if check.is_fine else "[red]FAIL[/]"
        console.print(f"{mark} {check.name}: {check.found}", highlight=False, soft_wrap=True)
        if not check.is_fine:
            broken += 1
            console.print(f"     -> {check.mend}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if broken else 0)
