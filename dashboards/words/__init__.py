"""Everything a dashboard says, in Chinese and English: one catalogue, so that no text stands anywhere else.

One module a dashboard, and those of what several share: `terms`, `codes`, `panels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dashboards.words import (
    codes,
    collector,
    findings,
    institution,
    meter,
    overview,
    panels,
    quality,
    targets,
    terms,
    water,
)
from dashboards.words.entries import Language, Panels, Terms

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_BOARDS: Final = (overview, institution, meter, targets, findings, water, quality, collector)

TERMS: Final[Terms] = {
    **terms.TERMS,
    **codes.TERMS,
    **{key: both for board in _BOARDS for key, both in board.TERMS.items()},
}
PANELS: Final[Panels] = {
    **panels.PANELS,
    **{key: texts for board in _BOARDS for key, texts in board.PANELS.items()},
}


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language."""

    language: Language

    def __call__(self, key: str) -> str:
        """The words of a term, a panel's title, or its explanation (`key.about`)."""
        place = LANGUAGES.index(self.language)
        if key in TERMS:
            return TERMS[key][place]
        if key.endswith(".about"):
            return PANELS[key.removesuffix(".about")][2 + place]
        return PANELS[key][place]

    def of(self, zh: str, en: str) -> str:
        """The one of two texts that is in this language."""
        return zh if self.language == "zh" else en

    def starting(self, prefix: str) -> list[str]:
        """What follows the prefix in all terms that begin with it."""
        return [key.removeprefix(prefix) for key in TERMS if key.startswith(prefix)]
