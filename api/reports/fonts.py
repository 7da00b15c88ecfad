"""The fonts that go into PDF files and pictures: Noto Sans SC (SIL OFL 1.1), the 6,763 characters of GB 2312."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from PIL import ImageFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FOLDER: Final = Path(__file__).parent / "typefaces"
REGULAR: Final = "NotoSansSC"
BOLD: Final = "NotoSansSC-Bold"
_FILES: Final = {REGULAR: "NotoSansSC-Regular.ttf", BOLD: "NotoSansSC-Bold.ttf"}


def path(name: str) -> Path:
    """The file of a font."""
    return FOLDER / _FILES[name]


@cache
def register() -> None:
    """Make the fonts known to reportlab, once a process."""
    for name in _FILES:
        pdfmetrics.registerFont(TTFont(name, str(path(name))))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def measure(text: str, size: float) -> float:
    """Width of a text in points."""
    register()
    return float(pdfmetrics.stringWidth(text, REGULAR, size))


def printable(text: str) -> str:
    """The text with a geta mark (〓) where the font lacks a character: a hole would not be noticed."""
    known = _characters()
    return "".join(c if c in known or c in "\n\t" else "〓" for c in text)


@cache
def picture_font(size: int) -> ImageFont.FreeTypeFont:
    """The same font for pictures."""
    return ImageFont.truetype(str(path(REGULAR)), size)


@cache
def _characters() -> frozenset[str]:
    register()
    font: Any = pdfmetrics.getFont(REGULAR)  # a TTFont, which has a face
    return frozenset(chr(code) for code in font.face.charToGlyph)
