"""Units of energy, volume, power and temperature: one canonical unit per quantity."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from energy.errors import UnitError
from energy.model import Category


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as `canonical = value * factor + offset`, of one quantity."""

    symbol: str
    quantity: str
    factor: float
    offset: float = 0.0


_UNITS = (
    Unit("kWh", "energy", 1.0),
    Unit("Wh", "energy", 0.001),
    Unit("MWh", "energy", 1000.0),
    Unit("GWh", "energy", 1_000_000.0),
    Unit("J", "energy", 1 / 3.6e6),
    Unit("kJ", "energy", 1 / 3600),
    Unit("MJ", "energy", 1 / 3.6),
    Unit("GJ", "energy", 1 / 0.0036),
    Unit("kcal", "energy", 4.1868 / 3600),
    Unit("m3", "volume", 1.0),
    Unit("L", "volume", 0.001),
    Unit("t_water", "volume", 1.0),
    Unit("kg", "mass", 1.0),
    Unit("t", "mass", 1000.0),
    Unit("kW", "power", 1.0),
    Unit("W", "power", 0.001),
    Unit("MW", "power", 1000.0),
    Unit("degC", "temperature", 1.0),
    Unit("degF", "temperature", 5 / 9, -160 / 9),
    Unit("K", "temperature", 1.0, -273.15),
    Unit("%", "share", 1.0),
    Unit("p", "count", 1.0),
    Unit("", "count", 1.0),
)
# Spellings that gateways really send; anything else is refused, not guessed.
_ALIASES = {
    "kwh": "kWh", "KWH": "kWh", "KWh": "kWh", "wh": "Wh", "mwh": "MWh", "gj": "GJ", "mj": "MJ", "kj": "kJ",
    "m³": "m3", "m^3": "m3", "M3": "m3", "l": "L", "litre": "L", "kw": "kW", "w": "W",
    "°C": "degC", "℃": "degC", "C": "degC", "°F": "degF", "度": "kWh", "吨": "t", "立方米": "m3", "千瓦时": "kWh",
    "Cel": "degC", "%RH": "%",  # SenML (RFC 8428)
}  # fmt: skip
UNITS = MappingProxyType({u.symbol: u for u in _UNITS})

CANONICAL = MappingProxyType(
    {
        Category.ELECTRICITY: "kWh",
        Category.WATER: "m3",
        Category.GAS: "m3",
        Category.HEAT: "GJ",
        Category.COOLING: "GJ",
        Category.OTHER: "kWh",
        Category.COAL: "kg",
        Category.LPG: "kg",
        Category.GASOLINE: "L",
        Category.DIESEL: "L",
    }
)
"""The one unit in which analytics sees each category."""


def unit(symbol: str) -> Unit:
    """The unit of a symbol or of a known spelling of it; UnitError for anything else."""
    found = UNITS.get(_ALIASES.get(symbol, symbol))
    if found is None:
        raise UnitError(f"unit {symbol!r} is unknown; known: {', '.join(s for s in UNITS if s)}")
    return found


def linear(source: str, target: str) -> tuple[float, float]:
    """Factor and offset so that `target_value = source_value * factor + offset`; UnitError if not convertible."""
    a, b = unit(source), unit(target)
    if a.quantity != b.quantity:
        raise UnitError(f"unit {source!r} ({a.quantity}) cannot become {target!r} ({b.quantity})")
    return a.factor / b.factor, (a.offset - b.offset) / b.factor


def convert(value: float, source: str, target: str) -> float:
    """One value from one unit to another of the same quantity."""
    factor, offset = linear(source, target)
    return value * factor + offset
