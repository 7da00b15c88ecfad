"""Every word on screen, Chinese first, English second, from one catalogue in parts."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from api.console.words import acts, alarms, breakdowns, data, families, frame, sights

_MODULES: Final = (frame, sights, acts, alarms, data, breakdowns, families)
CATALOGUE: Final = {key: pair for module in _MODULES for key, pair in module.WORDS.items()}
WORDS: Final[dict[str, dict[str, str]]] = {
    language: {key: pair[place] for key, pair in CATALOGUE.items()} for place, language in enumerate(("zh", "en"))
}
"""Words by language and key."""
PARTS: Final = MappingProxyType({m.__name__: m.WORDS for m in _MODULES})
