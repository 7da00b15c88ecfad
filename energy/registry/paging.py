"""A table read page by page, in an order that tells each row from all others: what comes or goes shifts nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal_column, or_, select, tuple_

from energy.registry.database import Database

T = TypeVar("T")
Owner = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class By:
    """One column of an order: rising or falling, by value, or by the place of its words in `ranks`."""

    name: str
    falls: bool = False
    ranks: tuple[str, ...] = ()

    @classmethod
    def of(cls, wanted: str | By) -> By:
        """A column by its name, with a minus before one that falls."""
        return wanted if isinstance(wanted, By) else cls(wanted.removeprefix("-"), wanted.startswith("-"))

    def term(self, table: FromClause) -> ColumnElement[Any]:
        """What the database orders by; nothing counts as 0, or as no text."""
        column = table.c[self.name]
        if self.ranks:
            return case({word: place for place, word in enumerate(self.ranks)}, value=column)
        return _stated(column)

    def value(self, row: object) -> Any:
        """The same of a row that was read."""
        found = getattr(row, self.name)
        return self.ranks.index(found) if self.ranks else 0 if found is None else found

    def kind(self, table: FromClause) -> type:
        """What values these are."""
        return int if self.ranks else table.c[self.name].type.python_type


class Listing(Generic[T]):
    """Rows of a table whose columns have the values wanted (or one of several, given as a list).

    The columns of the order must be unique together.
    """

    def __init__(
        self,
        database: Database,
        table: FromClause,
        make: Callable[[Mapping[str, Any]], T],
        order: Sequence[str | By],
        wanted: Mapping[str, object],
    ) -> None:
        self._database = database
        self._table = table
        self._make = make
        self._order = [By.of(one) for one in order]
        self._wanted = wanted

    def counts(self, *columns: str) -> dict[Owner, int]:
        """How many rows there are, by the values of these columns."""
        return {owner: int(n) for owner, n in self._grouped(columns, func.count()).items()}

    def gains(self, column: str, *columns: str) -> dict[Owner, float]:
        """Sum of a column where it is known, losses counted as 0, by the values of others; absent where none is known.

        What was used too little, or counted so, pays for nothing that was used too much.
        """
        value = self._table.c[column]
        found = self._grouped(columns, func.sum(case((value < 0, 0.0), else_=value)))
        return {owner: float(total) for owner, total in found.items() if total is not None}

    def _grouped(self, columns: Sequence[str], figure: ColumnElement[Any]) -> dict[Owner, Any]:
        by = [_stated(self._table.c[name]) for name in columns]
        statement = filtered(select(*by, figure).select_from(self._table), self._table, self._wanted).group_by(*by)
        with self._database.reading() as connection:
            return {tuple(values): n for *values, n in connection.execute(statement)}

    def page(
        self,
        limit: int,
        *,
        after: Sequence[object] | None = None,
        only: tuple[Owner, Collection[Owner]] | None = None,
        offset: int = 0,
    ) -> list[T]:
        """The first rows behind the key `after` or behind so many others.

        `only` those whose named columns hold one of these sets of values.
        """
        statement = filtered(select(self._table), self._table, self._wanted).limit(limit).offset(offset)
        if after is not None:
            statement = statement.where(self._behind(after))
        if only is not None:
            columns, values = only
            statement = statement.where(tuple_(*(_stated(self._table.c[name]) for name in columns)).in_(list(values)))
        terms = ((by.term(self._table), by.falls) for by in self._order)
        statement = statement.order_by(*(term.desc() if falls else term for term, falls in terms))
        with self._database.reading() as connection:
            return [self._make(row._asdict()) for row in connection.execute(statement)]

    def key_of(self, row: T) -> list[int | float | str]:
        """Where a row stands in the order, as JSON can hold it."""
        values = (by.value(row) for by in self._order)
        return [value.isoformat() if isinstance(value, date) else value for value in values]

    def is_key(self, key: Sequence[object]) -> bool:
        """True for what `key_of` could have said of a row."""
        kinds = [by.kind(self._table) for by in self._order]
        return len(key) == len(kinds) and all(_fits(kind, part) for kind, part in zip(kinds, key, strict=True))

    def _behind(self, key: Sequence[object]) -> ColumnElement[bool]:
        steps: list[ColumnElement[bool]] = []
        same: list[ColumnElement[bool]] = []
        for by, part in zip(self._order, key, strict=True):
            term, value = by.term(self._table), part
            if by.kind(self._table) is date:
                value = date.fromisoformat(str(part))
            steps.append(and_(*same, term < value if by.falls else term > value))
            same.append(term == value)
        return or_(*steps)


def filtered(statement: Select[Any], table: FromClause, wanted: Mapping[str, object]) -> Select[Any]:
    """Of these rows those whose columns have the values wanted (or one of several, given as a list)."""
    for name, value in wanted.items():
        one_of = value if isinstance(value, list | tuple) else [value]
        statement = statement.where(table.c[name].in_(one_of))
    return statement


def _stated(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column that may be empty, with what an empty one counts as: no text, or 0."""
    if not getattr(column, "nullable", False) or column.type.python_type is date:
        return column
    return func.coalesce(column, literal_column("''" if column.type.python_type is str else "0"))


def _fits(kind: type, part: object) -> bool:
    if kind is date:
        try:
            return isinstance(part, str) and bool(date.fromisoformat(part))
        except ValueError:
            return False
    return type(part) is kind and not (isinstance(part, int) and abs(part) >= 2**63)  # what no database could compare
