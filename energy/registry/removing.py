"""Taking a dated row out again that should never have been stated. Whatever others refer to is never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, and_

from energy.errors import NotInRegistry, RegistryError
from energy.registry.cells import BadCell
from energy.registry.columns import Key, Sheet, is_empty
from energy.registry.importing import Change, load
from energy.registry.sheets import SHEETS

REMOVABLE: Final = (
    "departments",
    "swaps",
    "denominators",
    "calendars",
    "bills",
    "tariff_uses",
    "calorific_values",
    "heating_seasons",
    "targets",
    "target_rules",
)


def remove(connection: Connection, name: str, rows: Iterable[Mapping[str, object]]) -> list[Change]:
    """Delete the rows with these key columns; what they held. NotInRegistry if one of them does not exist."""
    if name not in REMOVABLE:
        raise RegistryError(f"rows of {name!r} are kept for ever; rows can be removed from {', '.join(REMOVABLE)}")
    sheet = SHEETS[name]
    stored = load(connection, sheet)
    removed = []
    for row in rows:
        key = _key(sheet, row)
        if key not in stored:
            raise NotInRegistry(f"sheet {name}: no row {', '.join(str(part) for part in key)}")
        table = sheet.table
        here = and_(*(table.c[column] == value for column, value in zip(sheet.key, key, strict=True)))
        connection.execute(table.delete().where(here))
        removed.append(Change(name, key, None, stored.pop(key)))
    return removed


def _key(sheet: Sheet, row: Mapping[str, object]) -> Key:
    columns = {column.name: column for column in sheet.columns}
    try:
        return tuple(
            columns[name].empty if is_empty(row.get(name)) else columns[name].kind.read(row[name]) for name in sheet.key
        )
    except BadCell as exc:
        raise RegistryError(f"sheet {sheet.name}: expected {exc}, came {dict(row)}") from exc
