"""All dashboards as JSON: the same bytes each time, so that what is committed can be compared with what is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from dashboards.board import Place
from dashboards.boards import ALL
from dashboards.panels import Json
from dashboards.words import LANGUAGES, Words
from dashboards.words.entries import Language

GENERATED: Final = Path(__file__).parent / "generated"
"""Where the committed dashboards are: `zh/` and `en/`."""


def build(place: Place | None = None) -> dict[Language, list[Json]]:
    """All dashboards by language."""
    where = place or Place()
    return {
        language: [make(words).json(words, where) for make in ALL]
        for language, words in ((language, Words(language)) for language in LANGUAGES)
    }


def text(dashboard: Json) -> str:
    """A dashboard as its file holds it."""
    return json.dumps(dashboard, ensure_ascii=False, indent=1) + "\n"


def write(folder: Path, place: Place | None = None) -> list[Path]:
    """Write one file a dashboard below `folder`; the files whose content changed."""
    changed: list[Path] = []
    for language, dashboards in build(place).items():
        (folder / language).mkdir(parents=True, exist_ok=True)
        for dashboard in dashboards:
            path = folder / language / f"{dashboard['uid'].removesuffix(f'-{language}')}.json"
            new = text(dashboard)
            if not path.is_file() or path.read_text(encoding="utf-8") != new:
                path.write_text(new, encoding="utf-8")
                changed.append(path)
    return changed
