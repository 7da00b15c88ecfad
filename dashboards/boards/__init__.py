"""The dashboards, one module each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dashboards.board import Board
from dashboards.boards import collector, findings, institution, meter, overview, quality, targets, water
from dashboards.words import Words

ALL: Final[tuple[Callable[[Words], Board], ...]] = tuple(
    module.board for module in (overview, institution, meter, targets, findings, water, quality, collector)
)
"""Makers of all dashboards, in the order of their links."""
