"""Emission factors by carrier, year, place and kind. A missing pair of year and place stays missing."""

from __future__ import annotations

from energy.errors import MissingReference
from energy.reference import CarbonFactor, table
from energy.units import linear


def emission_factor(
    carrier: str, *, year: int | None = None, place: str = "national", kind: str | None = None
) -> CarbonFactor:
    """The factor of exactly this carrier, year, place and kind.

    Parameters
    ----------
    carrier : str
        `electricity`, or a fuel: `gas`, `gasoline`, `gasoline_l`, `diesel`, `lpg`, `coal`, `heat` ...
    year : int, optional
        The year the factor describes; None asks for an undated factor, as the default factors of fuels are.
    place : str
        `national`, `region:华北` or `province:河北`.
    kind : str, optional
        For electricity `average` (unless told otherwise), `residual`, `fossil` or `enterprise_reporting`; for fuels
        `default`.
    """
    kind = kind or _usual_kind(carrier)
    for row in _factors(carrier, place, kind):
        if row.year == year:
            return row
    raise MissingReference(f"carbon_factors: no {kind} factor of {carrier} for {place} in {year or 'no year'}")


def latest_emission_factor(
    carrier: str, *, up_to: int, place: str = "national", kind: str | None = None
) -> CarbonFactor:
    """The newest published factor not later than a year: to be asked for on purpose, and shown with its `year`."""
    kind = kind or _usual_kind(carrier)
    dated = [(row.year, row) for row in _factors(carrier, place, kind) if row.year is not None and row.year <= up_to]
    if not dated:
        raise MissingReference(f"carbon_factors: no {kind} factor of {carrier} for {place} up to {up_to}")
    return max(dated, key=lambda pair: pair[0])[1]


def kg_co2(factor: CarbonFactor, amount: float, unit: str) -> float:
    """CO2 of an amount in a unit that the factor's own unit can be reached from. [kgCO2]"""
    scale, _ = linear(unit, factor.unit.removeprefix("kgCO2/"))
    return amount * scale * factor.value


def _usual_kind(carrier: str) -> str:
    return "average" if carrier == "electricity" else "default"


def _factors(carrier: str, place: str, kind: str) -> list[CarbonFactor]:
    rows = table("carbon_factors", CarbonFactor)
    return [row for row in rows if (row.carrier, row.place, row.kind) == (carrier, place, kind)]
