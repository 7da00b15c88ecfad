"""How figures, times and names look: digits that mean something, unknown told apart from zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from markupsafe import Markup

from api.console.words import WORDS
from energy.model import CostNote

_UNITS: Final = {"m3": "m³", "m2": "m²", "degC": "°C", "CO2": "CO₂"}
_CHINESE_UNITS: Final = {"(p·": "(人·", "yuan": "元", "bed·d": "床·日", "(bed·d)": "(床·日)"}


class Named(Protocol):
    """Anything with names in both languages."""

    @property
    def name_zh(self) -> str:
        """Chinese name."""

    @property
    def name_en(self) -> str:
        """English name, may be empty."""


@dataclass(frozen=True, slots=True)
class Show:
    """Formats of one language and time zone."""

    language: str
    zone: str

    def num(self, value: float | None, digits: int | None = None) -> Markup:
        """A number with separators; the word for unknown where there is none. Digits follow the size by default."""
        if value is None or math.isnan(value):
            return self.unknown()
        if digits is None:
            digits = 0 if abs(value) >= 1000 or value == int(value) else 1 if abs(value) >= 100 else 2
        text = f"{value:z,.{digits}f}"  # nothing has no sign, however it was rounded to it
        return Markup(text.replace("-", "−"))  # noqa: S704 -- digits and signs only

    def exact(self, amount: Decimal | None, digits: int, *, is_change: bool = False) -> str:
        """An amount to its last digit: sums of these can be checked by hand. A dash where there is none."""
        if amount is None:
            return "–"
        return f"{amount:{'+' if is_change and amount else ''},.{digits}f}".replace("-", "−")

    def share(self, value: float | None, digits: int = 0) -> Markup:
        """A share as percent."""
        return self.unknown() if value is None or math.isnan(value) else self.num(100 * value, digits) + Markup(" %")

    def change(self, value: float | None, before: float | None) -> Markup:
        """How much more or less than before, in percent."""
        if value is None or before is None or math.isnan(value) or math.isnan(before) or before <= 0:
            return self.unknown()
        percent = 100 * (value / before - 1)
        return Markup("{}{} %").format("+" if percent > 0 else "", self.num(percent, 1))

    def yuan(self, value: float | None) -> Markup:
        """Money: whole yuan, from ten thousand on."""
        return self.num(value, 0 if value is not None and abs(value) >= 100 else 2)

    def cost(self, value: float, note: float) -> Markup:
        """Money and what is to be said of it: that it is at least so much, or why it is not known."""
        told = CostNote.NONE if math.isnan(note) else CostNote(int(note))
        figure = Markup("≥ {}").format(self.yuan(value)) if told.is_bound else self.yuan(value)
        return Markup("{} <small>{}</small>").format(figure, self.word("costnote", told.word)) if told else figure

    def unknown(self) -> Markup:
        """What stands where a figure is not known."""
        return Markup('<span class="unknown">{}</span>').format(WORDS[self.language]["unknown"])

    def unit(self, symbol: str) -> str:
        """A unit as people write it."""
        for plain, pretty in (_UNITS | (_CHINESE_UNITS if self.language == "zh" else {})).items():
            symbol = symbol.replace(plain, pretty)
        return "人" if symbol == "p" and self.language == "zh" else symbol

    def name(self, thing: Named | None, otherwise: str = "") -> str:
        """A name in the page's language, in Chinese where there is no other."""
        if thing is None:
            return otherwise
        return (thing.name_en if self.language == "en" else "") or thing.name_zh or otherwise

    def either(self, zh: str, en: str) -> str:
        """The text of the page's language; the other where it is missing."""
        return (en or zh) if self.language == "en" else (zh or en)

    def word(self, family: str, key: object) -> str:
        """A word of a family (`state_open`), the key itself where the catalogue has none."""
        return WORDS[self.language].get(f"{family}_{key}", str(key))

    def when(self, instant: float | None) -> str | Markup:
        """Local date and minute of an instant."""
        if instant is None or math.isnan(instant):
            return self.unknown()
        return datetime.fromtimestamp(instant, UTC).astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M")

    def day(self, instant: float | date | None) -> str | Markup:
        """Local date of an instant."""
        if isinstance(instant, date):
            return instant.isoformat()
        return instant if isinstance(instant, Markup) else str(self.when(instant))[:10] if instant else self.unknown()

    def month(self, instant: float) -> str:
        """Local month of an instant."""
        return str(self.when(instant))[:7]

    def size(self, n_bytes: int) -> str:
        """A file's size."""
        return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e6 else f"{max(1, round(n_bytes / 1e3))} kB"
