"""The visible regions in the order of their tree."""

from __future__ import annotations

from collections.abc import Iterator

from api.console.frame import Page


def regions(page: Page) -> Iterator[tuple[int, str, frozenset[str]]]:
    """(depth, code, visible institutions below) of every visible region with any, parents before children."""
    scope = page.scope
    above = {code: scope.snapshot.regions[code].parent for code in scope.regions}
    children: dict[str | None, list[str]] = {}
    for code in sorted(scope.regions):
        parent = above[code]
        children.setdefault(parent if parent in scope.regions else None, []).append(code)

    def walk(parent: str | None, depth: int) -> Iterator[tuple[int, str, frozenset[str]]]:
        for code in children.get(parent, ()):
            below = scope.institutions.intersection(scope.snapshot.institutions_below(code))
            if below:
                yield depth, code, below
                yield from walk(code, depth + 1)

    return walk(None, 0)
