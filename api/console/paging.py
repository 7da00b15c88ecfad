"""Long tables in pages: what a page shows of them, and the links to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from api.stored import Shown

PER_PAGE: Final = 50
T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """The rows of one page of a table."""

    rows: Sequence[T]
    number: int
    n_pages: int
    total: int

    def of(self, show: Callable[[T], S]) -> Part[S]:
        """The same page of something made from each row."""
        return Part([show(row) for row in self.rows], self.number, self.n_pages, self.total)

    @property
    def first(self) -> int:
        """Place of its first row in the whole table, from 1."""
        return (self.number - 1) * PER_PAGE + 1

    @property
    def last(self) -> int:
        """Place of its last row."""
        return self.first + len(self.rows) - 1


def part(rows: Sequence[T], number: int) -> Part[T]:
    """One page of the rows; the nearest there is to a number beyond them."""
    n_pages = max(1, -(-len(rows) // PER_PAGE))
    number = min(max(number, 1), n_pages)
    return Part(rows[(number - 1) * PER_PAGE : number * PER_PAGE], number, n_pages, len(rows))


def stored(rows: Shown[T], number: int) -> Part[T]:
    """One page of what the registry holds, read and counted by the database; the nearest there is to the number."""
    number = max(number, 1)
    found, total = rows.part((number - 1) * PER_PAGE, PER_PAGE)
    n_pages = max(1, -(-total // PER_PAGE))
    if number > n_pages:
        return stored(rows, n_pages)
    return Part(found, number, n_pages, total)


def matching(rows: Iterable[T], wanted: str, *texts: Callable[[T], str]) -> list[T]:
    """Rows of which one of the texts holds all the words that were typed."""
    return [row for row in rows if is_match(wanted, *(text(row) for text in texts))]


def is_match(wanted: str, *texts: str) -> bool:
    """True if each of the words that were typed is in one of the texts."""
    return all(any(word in text.lower() for text in texts) for word in wanted.lower().split())
