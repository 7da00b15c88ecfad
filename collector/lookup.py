"""The registry as the commit thread needs it: names to numbers, and what is known of each meter as arrays.

A meter's number is given once by the spool and never changes; all arrays are indexed by it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from collector.decoders import DECODERS, DEFAULT_PROFILE, Decoder, decoder_of
from collector.roster import Roster
from energy import units
from energy.errors import SettingsError, UnitError
from energy.model import Meter, ValueKind
from energy.registry import Snapshot
from energy.series import BoolArray, FloatArray, Int32Array
from energy.topics import Topic

_log = logging.getLogger(__name__)
_TOLERANCE: Final = 1.2  # a meter may run this far above its rated power before a reading is flagged
_POSSIBLE: Final = MappingProxyType(
    {
        "temperature": (-60.0, 120.0, "degC"),
        "humidity": (0.0, 100.0, "%"),
        "power_factor": (-1.0, 1.0, ""),
        "frequency": (40.0, 70.0, ""),
        "occupancy": (0.0, 1_000_000.0, "p"),
    }
)
"""Range outside of which a measured quantity is flagged, with the unit of the range."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway: who it belongs to, how its payload reads, and its meters by local name."""

    id: str
    institution: str
    decoder: Decoder
    roster: Roster


@dataclass(frozen=True, slots=True)
class Origin:
    """How a meter's readings arrive: the topic, its gateway, and the name it has there."""

    topic: str = ""
    gateway: str = ""
    local: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """What one revision of the registry says about every meter that can send.

    Attributes
    ----------
    ids : tuple of str
        Meter id by number.
    is_register : bool, shape (n_meters,)
        Cumulative display.
    rate : float64, shape (n_meters,)
        Largest believable rise of a register per second, in its own unit; inf where nothing is known, or no register.
    interval : float64, shape (n_meters,)
        Expected distance of readings. [s]
    low, high : float64, shape (n_meters,)
        Believable range of the value itself, in its own unit.
    unit : int32, shape (n_meters,)
        Column of `factor` and `offset`.
    has_rates, has_ranges : bool
        Whether any meter has a finite `rate`, and a finite `low` or `high`.
    """

    revision: int
    ids: tuple[str, ...]
    gateways: Mapping[str, Gateway]
    is_register: BoolArray
    rate: FloatArray
    interval: FloatArray
    low: FloatArray
    high: FloatArray
    unit: Int32Array
    unit_names: tuple[str, ...]
    origins: Mapping[str, Origin]
    has_rates: bool = False
    has_ranges: bool = False

    @classmethod
    def of(cls, snapshot: Snapshot, numbers: Mapping[str, int]) -> Lookup:
        """Compile a snapshot; `numbers` holds every meter of it (and may hold meters of the past)."""
        size = len(numbers)
        lookup = cls(
            revision=snapshot.revision,
            ids=tuple(sorted(numbers, key=numbers.__getitem__)),
            gateways=_gateways(snapshot, numbers),
            is_register=np.zeros(size, np.bool_),
            rate=np.full(size, np.inf),
            interval=np.full(size, 900.0),
            low=np.full(size, -np.inf),
            high=np.full(size, np.inf),
            unit=np.zeros(size, np.int32),
            unit_names=("", *sorted({meter.unit for meter in snapshot.meters.values()} - {""})),
            origins=_origins(snapshot),
        )
        places = {name: place for place, name in enumerate(lookup.unit_names)}
        for meter in snapshot.meters.values():
            lookup._describe(numbers[meter.id], meter, places[meter.unit])
        has_ranges = bool(np.isfinite(lookup.low).any() or np.isfinite(lookup.high).any())
        return replace(lookup, has_rates=bool(np.isfinite(lookup.rate).any()), has_ranges=has_ranges)

    def _describe(self, number: int, meter: Meter, unit: int) -> None:
        self.unit[number] = unit
        self.interval[number] = meter.interval_s
        self.is_register[number] = meter.value_kind is ValueKind.REGISTER
        self.low[number], self.high[number] = _possible(meter)
        if meter.rated_kw is None:
            return
        if meter.value_kind is ValueKind.MEASUREMENT:
            self.high[number] = _in_unit(meter, meter.rated_kw, "kW") * _TOLERANCE
            return
        rate = _in_unit(meter, meter.rated_kw / 3600, "kWh") * _TOLERANCE
        if meter.value_kind is ValueKind.AMOUNT:
            self.high[number] = rate * meter.interval_s
        else:
            self.rate[number] = rate

    def conversion(self, sent: str) -> tuple[FloatArray, FloatArray]:
        """Factor and offset from a unit as sent to each unit of `unit_names`; NaN where not convertible."""
        factor, offset = np.full(len(self.unit_names), np.nan), np.zeros(len(self.unit_names))
        for place, name in enumerate(self.unit_names):
            try:
                factor[place], offset[place] = units.linear(sent, name)
            except UnitError:
                continue
        return factor, offset


def _gateways(snapshot: Snapshot, numbers: Mapping[str, int]) -> dict[str, Gateway]:
    locals_of: dict[str, dict[str, int]] = {gateway: {} for gateway in snapshot.gateways}
    for meter in snapshot.meters.values():
        if meter.gateway in locals_of and meter.local:
            locals_of[meter.gateway][meter.local] = numbers[meter.id]
    return {
        gateway.id: Gateway(
            gateway.id,
            gateway.institution,
            _decoder(gateway.id, gateway.profile),
            Roster(locals_of[gateway.id]),
        )
        for gateway in snapshot.gateways.values()
    }


def _decoder(gateway: str, profile: str) -> Decoder:
    try:
        return decoder_of(profile)
    except SettingsError as exc:
        _log.error("gateway %s: %s; read as %s", gateway, exc, DEFAULT_PROFILE)
        return DECODERS[DEFAULT_PROFILE]


def _origins(snapshot: Snapshot) -> dict[str, Origin]:
    topics = {gateway.id: str(Topic(gateway.institution, gateway.id)) for gateway in snapshot.gateways.values()}
    return {
        meter.id: Origin(topics[meter.gateway], meter.gateway, meter.local)
        for meter in snapshot.meters.values()
        if meter.gateway in topics and meter.local
    }


def _possible(meter: Meter) -> tuple[float, float]:
    known = _POSSIBLE.get(meter.quantity)
    if known is None:
        return -np.inf, np.inf
    low, high, unit = known
    try:
        return units.convert(low, unit, meter.unit), units.convert(high, unit, meter.unit)
    except UnitError:
        return -np.inf, np.inf


def _in_unit(meter: Meter, primary: float, unit: str) -> float:
    """A primary quantity as the meter would display it; inf where its unit measures something else."""
    try:
        return units.convert(primary, unit, meter.unit) / meter.ratio
    except UnitError:
        return np.inf
