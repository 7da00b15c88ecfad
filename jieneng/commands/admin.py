"""`admin`: accounts from the command line; the way to the first administrator."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from energy.settings import load
from jieneng.commands.options import Home

if TYPE_CHECKING:
    from energy.registry import Accounts, Node

app = typer.Typer(help="Accounts: create, list, link (let in again), remove.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="User name.")]


@app.command(epilog="Example: jieneng admin create zhang.wei --role administrator")
def create(
    name: Name,
    home: Home = None,
    role: Annotated[
        str, typer.Option(help="viewer, energy_manager, statistician, approver, operator, administrator.")
    ] = "administrator",
    region: Annotated[str | None, typer.Option(help="Sees this region and below; default: everything.")] = None,
    institution: Annotated[str | None, typer.Option(help="Sees this institution and below.")] = None,
    department: Annotated[str | None, typer.Option(help="Only institutions that answer to it (主管部门).")] = None,
) -> None:
    """Make an account and print its one-time secret, with which its owner signs in once and sets a password."""
    from energy.registry import Role, User

    if role not in list(Role):
        raise typer.BadParameter(f"expected one of {', '.join(Role)}, came {role!r}")
    user = User(name, Role(role), node_of(region, institution), department=department or None, must_set_password=True)
    with _accounts(home) as accounts:
        accounts.add(user, now=int(time.time()))
        _print_secret(accounts, name)


@app.command("list", epilog="Example: jieneng admin list")
def list_(home: Home = None) -> None:
    """List all accounts."""
    table = Table("name", "role", "node", "department", "created", box=None)
    with _accounts(home) as accounts:
        for user in accounts.users():
            created = time.strftime("%Y-%m-%d", time.gmtime(user.created))
            node = f"{user.node.scope} {user.node.id}".strip()
            table.add_row(user.name, user.role.value, node, user.department or "", created)
    Console().print(table)


@app.command(epilog="Example: jieneng admin link zhang.wei")
def link(name: Name, home: Home = None) -> None:
    """Print a new one-time secret of an account whose owner cannot sign in; its sessions go on."""
    with _accounts(home) as accounts:
        _print_secret(accounts, name)


@app.command(epilog="Example: jieneng admin remove zhang.wei")
def remove(name: Name, home: Home = None) -> None:
    """Take an account away: its sessions, tokens and links are void at once."""
    with _accounts(home) as accounts:
        accounts.remove(name)
    typer.echo(f"{name}: removed")


def _print_secret(accounts: Accounts, name: str) -> None:
    secret = accounts.one_time_link(name, now=int(time.time()))
    typer.echo(f"{name}: one-time secret, valid for 24 hours: type it as the password, or open /enter/{secret}")
    typer.echo(secret)


def node_of(region: str | None, institution: str | None) -> Node:
    """The place in the tree that two options name; the whole installation where neither does."""
    from energy.registry import Node

    if region and institution:
        raise typer.BadParameter("expected --region or --institution, came both")
    if region:
        return Node("region", region)
    return Node("institution", institution) if institution else Node()


@contextlib.contextmanager
def _accounts(home: Home) -> Iterator[Accounts]:
    from energy.registry import Registry

    settings = load(home)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.closing(Registry.open(settings.registry_url, migrate=True)) as registry:
        yield registry.accounts
