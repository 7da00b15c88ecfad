"""All sheets by name, those that others refer to first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from energy.registry.columns import Sheet
from energy.registry.decided import DECIDED, RUNS
from energy.registry.foundation import FOUNDATION
from energy.registry.task_sheets import DEMANDED

SHEETS: Mapping[str, Sheet] = MappingProxyType({sheet.name: sheet for sheet in (*FOUNDATION, *DECIDED, *DEMANDED)})
EXPORTED = tuple(name for name in SHEETS if name != RUNS.name)
"""What an export of everything holds: a run goes on meanwhile, and an import would set it back."""
