"""How accounts look over HTTP, and who may hand out what."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from api.schemas import Asked, Body
from api.scope import Scope, actions_of
from energy.errors import NotInRegistry
from energy.registry import Node, Role, User

NodeScope = Literal["root", "region", "institution"]


class NodeOut(Body):
    """A place in the tree, with all below it."""

    scope: NodeScope
    id: str = Field(description="region code or institution id; empty for the whole installation")


class NodeIn(Asked):
    """A place in the tree."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scope": "region", "id": "990101"}]})

    scope: NodeScope
    id: str = Field("", max_length=64)

    def node(self) -> Node:
        """The node meant; RegistryError if the two parts do not fit."""
        return Node(self.scope, self.id)


class UserOut(Body):
    """An account."""

    name: str
    display: str
    role: Role
    node: NodeOut
    department: str | None
    must_set_password: bool
    created: int = Field(description="UTC epoch seconds")


def node_out(node: Node) -> NodeOut:
    """A node for an answer."""
    return NodeOut(scope=node.scope, id=node.id)


def user_out(user: User) -> UserOut:
    """A user for an answer."""
    return UserOut(
        name=user.name,
        display=user.display,
        role=user.role,
        node=node_out(user.node),
        department=user.department,
        must_set_password=user.must_set_password,
        created=user.created,
    )


def is_visible(scope: Scope, user: User) -> bool:
    """True if an account lies within the caller's part of the tree."""
    return scope.holds(user.node)


def require_visible(scope: Scope, user: User) -> User:
    """The user, or NotInRegistry as for one that does not exist."""
    if not is_visible(scope, user):
        raise NotInRegistry(f"user {user.name!r} is not known")
    return user


def require_can_give(scope: Scope, role: Role, node: Node) -> None:
    """Nobody hands out more than they have."""
    if not scope.holds(node):
        raise NotInRegistry(f"{node.scope} {node.id!r} is not known here")
    for action in sorted(actions_of(role) - scope.actions):
        scope.require(action)
