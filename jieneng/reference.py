"""The page of all commands, made from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from jieneng.commands.root import build

_HEAD = """# Commands

Exit code 0 fine, 1 failed, 2 wrong use. `--home FOLDER` names the installation; every verb has `--help`.
This page is made by `scripts/write-docs`.
"""


def commands_page() -> str:
    """Markdown of every verb with its arguments, options and example."""
    root = typer.main.get_command(build())
    return _HEAD + "".join(_section(path, command) for path, command in _leaves(root, "jieneng"))


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    for name in sorted(command.commands):
        yield from _leaves(command.commands[name], f"{path} {name}")


def _section(path: str, command: Any) -> str:
    lines = [f"\n## `{path}`\n", f"{(command.help or '').strip()}\n"]
    rows = [_row(parameter) for parameter in command.params]
    if rows:
        lines += ["| argument or option | meaning |", "|---|---|", *rows, ""]
    if command.epilog:
        lines.append(f"{command.epilog.replace('Example: ', 'Example: `')}`\n")
    return "\n".join(lines)


def _row(parameter: TyperArgument | TyperOption) -> str:
    if isinstance(parameter, TyperOption):
        names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    else:
        names = f"`{(parameter.name or '').upper()}`"
    return f"| {names} | {getattr(parameter, 'help', '') or ''} |"
