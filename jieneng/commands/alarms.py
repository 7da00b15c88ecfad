"""`alarms`: what stands, who is told by which channel, and whether the channel works."""

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
    from energy.registry import Registry

app = typer.Typer(help="Alarms: list notices, subscribe, test a channel, change a rule.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Id of the subscription.")]


@app.command("list", epilog="Example: jieneng alarms list")
def list_(
    home: Home = None, everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False
) -> None:
    """List notices whose cause goes on, newest first."""
    table = Table("opened", "severity", "state", "kind", "notice", box=None)
    with _registry(home) as registry:
        notices = registry.alarms.notices() if everything else registry.alarms.standing()
    for notice in sorted(notices, key=lambda n: -n.opened):
        opened = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(notice.opened))
        table.add_row(opened, notice.severity, notice.state, notice.kind, notice.title_zh)
    Console().print(table)


@app.command(epilog="Example: jieneng alarms subscribe duty --channel email --address duty@example.org")
def subscribe(
    name: Name,
    channel: Annotated[str, typer.Option(help="email, webhook or wecom.")],
    address: Annotated[str, typer.Option(help="Mail address, URL, or name of the robot.")],
    home: Home = None,
    user: Annotated[str, typer.Option(help="Tell only what this user sees.")] = "",
    role: Annotated[str, typer.Option(help="Tell only what users of this role see.")] = "",
    region: Annotated[str | None, typer.Option(help="Only of this region and below.")] = None,
    institution: Annotated[str | None, typer.Option(help="Only of this institution and below.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; may be given several times.")] = None,
    severity: Annotated[str, typer.Option(help="info, warning or critical: this and above.")] = "info",
    digest: Annotated[bool, typer.Option("--digest", help="Once a day instead of at once.")] = False,
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
) -> None:
    """Add a subscription, or change the one of this id; prints the signing secret of a webhook."""
    from api.alarms import signing_secret
    from api.alarms.senders import require_address
    from energy.registry import Subscription
    from jieneng.commands.admin import node_of

    settings = load(home).alarms
    told = node_of(region, institution)
    subscription = Subscription(
        name, channel, address, user, role, told.scope, told.id, tuple(kind or ()), severity,
        "digest" if digest else "at_once", language, author="jieneng alarms",
    )  # fmt: skip
    require_address(channel, address, settings)
    with _registry(home) as registry:
        registry.alarms.subscribe(subscription)
    typer.echo(f"{name}: subscribed")
    if channel == "webhook":
        typer.echo(f"signing secret: {signing_secret(settings, name)}")


@app.command(epilog="Example: jieneng alarms unsubscribe duty")
def unsubscribe(name: Name, home: Home = None) -> None:
    """Remove a subscription and what still waits for it."""
    with _registry(home) as registry:
        registry.alarms.unsubscribe(name)
    typer.echo(f"{name}: removed")


@app.command(epilog="Example: jieneng alarms subscriptions")
def subscriptions(home: Home = None) -> None:
    """List subscriptions."""
    table = Table("id", "channel", "address", "of", "user", "role", "kinds", "from", "mode", box=None)
    with _registry(home) as registry:
        for s in registry.alarms.subscriptions():
            of = f"{s.scope} {s.node}".strip()
            table.add_row(s.id, s.channel, s.address, of, s.user, s.role, ",".join(s.kinds), s.severity, s.mode)
    Console().print(table)


@app.command("test", epilog="Example: jieneng alarms test duty")
def try_channel(name: Name, home: Home = None) -> None:
    """Send a test message by a subscription's channel."""
    from api.alarms import test_message

    with _registry(home) as registry:
        trouble = test_message(registry, load(home).alarms, name, int(time.time()))
    if trouble:
        typer.echo(trouble, err=True)
        raise typer.Exit(1)
    typer.echo(f"{name}: the receiver took it")


@app.command(epilog="Example: jieneng alarms rule silent --threshold 4")
def rule(
    name: Annotated[str, typer.Argument(help="Id of the rule; left out: list all.")] = "",
    home: Home = None,
    threshold: Annotated[float | None, typer.Option(help="What it means: docs/alarms.md.")] = None,
    severity: Annotated[str | None, typer.Option(help="info, warning or critical.")] = None,
    active: Annotated[bool | None, typer.Option("--on/--off", help="Switch the rule on or off.")] = None,
) -> None:
    """Show the rules, or change one."""
    from dataclasses import replace

    from api.alarms.rules import stated

    table = Table("id", "threshold", "severity", "on", "means", box=None)
    with _registry(home) as registry:
        rules = {r.id: r for r in stated(registry.alarms.rules())}
        if name and name not in rules:
            raise typer.BadParameter(f"expected one of {', '.join(rules)}, came {name!r}")
        if name:
            before = rules[name]
            after = replace(
                before,
                threshold=before.threshold if threshold is None else threshold,
                severity=severity or before.severity,
                is_active=before.is_active if active is None else active,
            )
            rules = {name: after}
            registry.alarms.set_rule(rules[name])
    for one in rules.values():
        limit = "" if one.threshold is None else f"{one.threshold:g}"
        table.add_row(one.id, limit, one.severity, "yes" if one.is_active else "no", one.note)
    Console().print(table)


@app.command(epilog="Example: jieneng alarms retry")
def retry(home: Home = None) -> None:
    """Send once more what was given up."""
    with _registry(home) as registry:
        n = registry.alarms.retry(now=int(time.time()))
    typer.echo(f"{n} message(s) wait to be sent again")


@contextlib.contextmanager
def _registry(home: Home) -> Iterator[Registry]:
    from energy.registry import Registry

    registry = Registry.open(load(home).registry_url)
    try:
        yield registry
    finally:
        registry.close()
