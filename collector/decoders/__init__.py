"""Payload formats, by the profile that the registry gives a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from collector.decoders.base import Columns, Decoder, Limits, Problem
from collector.decoders.jieneng import JienengDecoder

DEFAULT_PROFILE: Final = "jieneng"
DECODERS: Final[Mapping[str, Decoder]] = MappingProxyType({DEFAULT_PROFILE: JienengDecoder()})

__all__ = ["DECODERS", "DEFAULT_PROFILE", "Columns", "Decoder", "Limits", "Problem"]
