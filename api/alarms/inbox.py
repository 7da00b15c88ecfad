"""The inbox: the first channel, there without any setting. Every question takes the caller's scope."""

from __future__ import annotations

from collections.abc import Sequence

from api.alarms.messages import is_seen, node_of, visible
from api.alarms.senders import require_address
from api.scope import Action, Scope
from api.stored import Shown
from energy.errors import NotInRegistry
from energy.registry import Notice, NoticeEvent, Registry, Subscription
from energy.settings import AlarmSettings


def inbox(registry: Registry, scope: Scope, *, states: Sequence[str] = ("open", "acknowledged")) -> list[Notice]:
    """Notices of what the caller sees in these states, newest first."""
    return visible(scope, registry.alarms.notices(states=states))


def listing(registry: Registry, scope: Scope, *states: str, gravest_first: bool = False) -> Shown[Notice]:
    """The same page by page."""
    found = registry.alarms.listing(*states, gravest_first=gravest_first)
    return Shown(found, ("scope", "node"), lambda level, node: is_seen(scope, level, node))


def find(registry: Registry, scope: Scope, notice: str) -> Notice:
    """A visible notice; NotInRegistry for anything else."""
    found = visible(scope, registry.alarms.notices(ids=[notice]))
    if not found:
        raise NotInRegistry(f"notice {notice!r} is not known here")
    return found[0]


def history(registry: Registry, scope: Scope, notice: str) -> list[NoticeEvent]:
    """What happened to a visible notice."""
    return registry.alarms.history(find(registry, scope, notice).id)


def acknowledge(registry: Registry, scope: Scope, notice: str, *, now: int, text: str = "") -> Notice:
    """The caller has taken notice and looks after it."""
    scope.require(Action.JUDGE)
    found = find(registry, scope, notice)
    return registry.alarms.acknowledge(found.id, author=scope.user, now=now, text=text)


def close(registry: Registry, scope: Scope, notice: str, *, now: int, text: str = "") -> Notice:
    """The caller is done with it."""
    scope.require(Action.JUDGE)
    found = find(registry, scope, notice)
    return registry.alarms.close(found.id, author=scope.user, now=now, text=text)


def subscriptions(registry: Registry, scope: Scope) -> list[Subscription]:
    """The caller's own; of an administrator also all within their node."""
    found = registry.alarms.subscriptions()
    is_chief = scope.may(Action.ADMINISTER)
    return [s for s in found if s.user == scope.user or (is_chief and scope.holds(node_of(s)))]


def subscribe(registry: Registry, scope: Scope, subscription: Subscription, settings: AlarmSettings) -> None:
    """Add or change a subscription: one's own, or as administrator any within one's node.

    An id that belongs to somebody else's subscription is not found, so that nobody learns of it.
    """
    if subscription.user != scope.user:
        scope.require(Action.ADMINISTER)
    if not scope.holds(node_of(subscription)):
        raise NotInRegistry(f"{subscription.scope} {subscription.node!r} is not known here")
    taken = {s.id for s in registry.alarms.subscriptions()} - {s.id for s in subscriptions(registry, scope)}
    if subscription.id in taken:
        raise NotInRegistry(f"subscription {subscription.id!r} is not known here")
    require_address(subscription.channel, subscription.address, settings)
    registry.alarms.subscribe(subscription)


def unsubscribe(registry: Registry, scope: Scope, subscription: str) -> None:
    """Remove a subscription that the caller may change."""
    registry.alarms.unsubscribe(mine(registry, scope, subscription).id)


def mine(registry: Registry, scope: Scope, subscription: str) -> Subscription:
    """A subscription that the caller may change; NotInRegistry for any other."""
    found = [s for s in subscriptions(registry, scope) if s.id == subscription]
    if not found:
        raise NotInRegistry(f"subscription {subscription!r} is not known here")
    return found[0]
