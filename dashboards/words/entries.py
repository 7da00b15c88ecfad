"""The forms of the catalogue's entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]
Terms = Mapping[str, tuple[str, str]]
"""By key: in Chinese, in English."""
Panels = Mapping[str, tuple[str, str, str, str]]
"""By key: title in Chinese, in English; one line that explains, in Chinese, in English."""
