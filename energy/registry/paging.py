"""A table read page by page, in an order that tells each row from all others: what comes or goes shifts nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select, tuple_

from energy.registry.database import Database

T = TypeVar("T")
Owner = tuple[str, ...]


class Listing(Generic[T]):
    """Rows of a table whose columns have the values wanted (or one of several, given as a list).

    `order` names columns, with a minus before those that fall; together they must be unique.
    """

    def __init__(
        self,
        database: Database,
        table: Table,
        make: Callable[[Mapping[str, Any]], T],
        order: Sequence[str],
        wanted: Mapping[str, object],
    ) -> None:
        self._database = database
        self._table = table
        self._make = make
        self._order = [(table.c[name.removeprefix("-")], name.startswith("-")) for name in order]
        self._wanted = wanted

    def counts(self, *columns: str) -> dict[Owner, int]:
        """How many rows there are, by the values of these columns."""
        by = [self._table.c[name] for name in columns]
        counted = select(*by, func.count()).select_from(self._table).group_by(*by)
        statement = filtered(counted, self._table, self._wanted)
        with self._database.reading() as connection:
            return {tuple(values): n for *values, n in connection.execute(statement)}

    def page(
        self, limit: int, *, after: Sequence[object] | None = None, only: tuple[Owner, Collection[Owner]] | None = None
    ) -> list[T]:
        """The first rows behind the key `after`; `only` those whose named columns hold one of these sets of values."""
        statement = filtered(select(self._table), self._table, self._wanted).limit(limit)
        if after is not None:
            statement = statement.where(self._behind(after))
        if only is not None:
            columns, values = only
            statement = statement.where(tuple_(*(self._table.c[name] for name in columns)).in_(list(values)))
        statement = statement.order_by(*(column.desc() if falls else column for column, falls in self._order))
        with self._database.reading() as connection:
            return [self._make(row._asdict()) for row in connection.execute(statement)]

    def key_of(self, row: T) -> list[int | float | str]:
        """Where a row stands in the order, as JSON can hold it."""
        values = (getattr(row, column.name) for column, _ in self._order)
        return [value.isoformat() if isinstance(value, date) else value for value in values]

    def is_key(self, key: Sequence[object]) -> bool:
        """True for what `key_of` could have said of a row."""
        kinds = [column.type.python_type for column, _ in self._order]
        return len(key) == len(kinds) and all(_fits(kind, part) for kind, part in zip(kinds, key, strict=True))

    def _behind(self, key: Sequence[object]) -> ColumnElement[bool]:
        steps: list[ColumnElement[bool]] = []
        same: list[ColumnElement[bool]] = []
        for (column, falls), part in zip(self._order, key, strict=True):
            value = date.fromisoformat(str(part)) if column.type.python_type is date else part
            steps.append(and_(*same, column < value if falls else column > value))
            same.append(column == value)
        return or_(*steps)


def filtered(statement: Select[Any], table: Table, wanted: Mapping[str, object]) -> Select[Any]:
    """Of these rows those whose columns have the values wanted (or one of several, given as a list)."""
    for name, value in wanted.items():
        one_of = value if isinstance(value, list | tuple) else [value]
        statement = statement.where(table.c[name].in_(one_of))
    return statement


def _fits(kind: type, part: object) -> bool:
    if kind is date:
        try:
            return isinstance(part, str) and bool(date.fromisoformat(part))
        except ValueError:
            return False
    return type(part) is kind and not (isinstance(part, int) and abs(part) >= 2**63)  # what no database could compare
