"""A total in parts and a reserve, exact to the last digit.

Amounts are decimal numbers, because parts that must add up to the last digit cannot be binary fractions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from energy.errors import BreakdownRefused


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A total in parts: parts + reserve = total, or it is refused."""

    total: Decimal
    parts: Mapping[str, Decimal]
    reserve: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        negative = [name for name, part in {**self.parts, "reserve": self.reserve}.items() if part < 0]
        if negative:
            raise BreakdownRefused(f"breakdown: negative parts: {', '.join(negative)}")
        together = sum(self.parts.values(), self.reserve)
        if together != self.total:
            raise BreakdownRefused(
                f"breakdown: expected parts + reserve = {self.total}, got {together}, {together - self.total} too much"
            )
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))

    def changed(self, part: str, amount: Decimal) -> Breakdown:
        """Another amount for one part, the difference taken from or given to the reserve."""
        if part not in self.parts:
            raise BreakdownRefused(f"breakdown: no part {part!r}")
        wanted = amount - self.parts[part]
        if wanted > self.reserve:
            raise BreakdownRefused(f"breakdown: {part} asks for {wanted} more, the reserve holds {self.reserve}")
        return replace(self, parts={**self.parts, part: amount}, reserve=self.reserve - wanted)
