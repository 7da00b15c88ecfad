"""Payload formats, by the profile that the registry gives a gateway."""

from __future__ import annotations

from collector.decoders.base import Columns, Decoder, Limits, Problem
from collector.decoders.profile import DECODERS, DEFAULT_PROFILE, decoder_of

__all__ = ["DECODERS", "DEFAULT_PROFILE", "Columns", "Decoder", "Limits", "Problem", "decoder_of"]
