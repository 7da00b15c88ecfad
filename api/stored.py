"""Lists of what the registry holds: paged by the database, counted by it, and never read whole for one page.

Rows are counted by owner first. Where the caller sees every owner nothing has to be compared; few owners are named to
the database; among very many the rows are judged as they come.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel
from starlette.responses import Response

from api.answers import Paging, Wish, key_of, page_of, whole
from api.problems import wrong
from energy.registry.paging import Listing, Owner

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
_ROWS: Final = 2_000
"""Read at once where all rows are wanted."""


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """The part of a listing that a caller sees: `sees` judges the values of the columns that say whose a row is."""

    rows: Listing[T]
    owner: Owner
    sees: Callable[..., bool]
    most_named: int = 5_000  # owners in one question; a statement of SQLite holds 32,766 values

    def answer(self, wish: Wish, paging: Paging, show: Callable[[T], M], model: type[M]) -> Response:
        """A page as JSON, or all of it as a file, sent while it is read."""
        among, total = self._mine()
        if wish.format != "json":
            return whole(wish, map(show, self._all(among)), model)
        found = self._behind(self._key(paging.cursor), paging.limit + 1, among)
        page = found[: paging.limit]
        last = self.rows.key_of(page[-1]) if len(found) > paging.limit else None
        return page_of(wish, map(show, page), last, total)

    def part(self, offset: int, limit: int) -> tuple[list[T], int]:
        """Rows behind the first `offset`, and how many there are in all: pages by number, as people turn them."""
        among, total = self._mine()
        if among is None or len(among) <= self.most_named:
            only = None if among is None else (self.owner, among)
            return self.rows.page(limit, only=only, offset=offset), total
        return self._behind(None, offset + limit, among)[offset:], total

    @property
    def total(self) -> int:
        """How many rows the caller sees."""
        return self._mine()[1]

    def counts(self, column: str) -> Counter[Any]:
        """How many rows the caller sees, by the values of a column."""
        found = Counter[Any]()
        for (word, *owner), n in self.rows.counts(column, *self.owner).items():
            if self.sees(*owner):
                found[word] += n
        return found

    def gain(self, column: str) -> float:
        """Sum of a column over the rows the caller sees, losses counted as 0; NaN where it is known of none."""
        known = [part for owner, part in self.rows.gains(column, *self.owner).items() if self.sees(*owner)]
        return sum(known) if known else math.nan

    def _mine(self) -> tuple[Collection[Owner] | None, int]:
        """Whose rows the caller sees (None: everybody's), and how many those are."""
        counts = self.rows.counts(*self.owner)
        mine = {owner: n for owner, n in counts.items() if self.sees(*owner)}
        return None if len(mine) == len(counts) else mine.keys(), sum(mine.values())

    def _key(self, cursor: str | None) -> list[object] | None:
        key = key_of(cursor) if cursor else None
        if key is not None and not self.rows.is_key(key):
            raise wrong("query.cursor", "`next` of an earlier page of this list", cursor)
        return key

    def _all(self, among: Collection[Owner] | None) -> Iterator[T]:
        after: Sequence[object] | None = None
        while rows := self._behind(after, _ROWS, among):
            yield from rows
            after = self.rows.key_of(rows[-1])

    def _behind(self, after: Sequence[object] | None, n: int, among: Collection[Owner] | None) -> list[T]:
        """The next `n` rows of these owners, fewer only at the end."""
        if among is None or len(among) <= self.most_named:
            return self.rows.page(n, after=after, only=None if among is None else (self.owner, among))
        found: list[T] = []
        while len(found) < n and (rows := self.rows.page(_ROWS, after=after)):
            found += [row for row in rows if tuple(getattr(row, column) for column in self.owner) in among]
            after = self.rows.key_of(rows[-1])
        return found[:n]
