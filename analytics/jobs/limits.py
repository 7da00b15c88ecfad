"""Register profiles: fitted once on closed days, stored with a version, and not moved by late readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Final

import numpy as np

from analytics.jobs.estate import Estate, rated_per_hour
from analytics.register_profiles import RegisterProfile, fit_register_profile, has_outgrown
from analytics.registers import GAP_FACTOR, LIMIT_FACTOR, RegisterBank, RegisterLimits, judge
from energy.intervals import DAY, LocalCalendar
from energy.model import Category, Meter, MeterKind, ValueKind
from energy.registry import FittedModel
from energy.series import Series
from energy.storage.base import ReadingReader

KIND: Final = "register_profile"
MIN_DAYS: Final = 28
"""Closed days a register must have been read before its profile is fitted: four weeks."""
MAX_DAYS: Final = 366
AIR_CONDITIONING: Final = "B"
"""Letter of the items of 空调用电 (住建部 建科[2008]114号)."""

Extents = Mapping[str, tuple[int, int]]
"""First and last instant read, by meter."""


def profile_of(model: FittedModel) -> RegisterProfile:
    """The profile that a stored model holds."""
    return RegisterProfile(**model.json())


def fit_missing(
    store: ReadingReader, estate: Estate, known: Mapping[str, RegisterProfile], extents: Extents, now: int
) -> list[FittedModel]:
    """Profiles of the registers that have none yet and were read for long enough."""
    closed = _last_midnight(estate.calendar, now)
    return [
        model
        for meter in estate.meters
        if _has_register(meter) and meter.id not in known and meter.id in extents
        for model in _fit(store, meter, extents[meter.id][0], closed)
    ]


def _fit(store: ReadingReader, meter: Meter, first: int, closed: int) -> list[FittedModel]:
    start = max(first, closed - MAX_DAYS * DAY)
    if closed - start < MIN_DAYS * DAY:
        return []
    series = store.readings([meter.id], start, closed)[meter.id]
    gap = meter.interval_s * GAP_FACTOR
    profile = fit_register_profile(series.time, series.value, ratio=meter.ratio, gap_s=gap)
    if profile is None:
        return []
    return [FittedModel.of(meter.id, KIND, start=start, end=closed, payload=asdict(profile))]


def refit_outgrown(
    store: ReadingReader, estate: Estate, known: Mapping[str, RegisterProfile], extents: Extents, now: int
) -> list[FittedModel]:
    """New profiles, never narrower ones, of registers whose newest closed days rise beyond the stored profile."""
    closed = _last_midnight(estate.calendar, now)
    found = []
    for meter in estate.meters:
        profile = known.get(meter.id)
        if profile is None or meter.id not in extents or not _has_register(meter):
            continue
        start = max(extents[meter.id][0], closed - MIN_DAYS * DAY)
        series = store.readings([meter.id], start, max(closed, start))[meter.id]
        wider = _wider(meter, series, profile)
        if wider is not None:
            found.append(FittedModel.of(meter.id, KIND, start=start, end=closed, payload=asdict(wider)))
    return found


def _wider(meter: Meter, series: Series, profile: RegisterProfile) -> RegisterProfile | None:
    if len(series) < 2:
        return None
    gap_s = meter.interval_s * GAP_FACTOR
    limits = RegisterLimits(
        np.array([np.inf if meter.digits is None else 10.0**meter.digits]),
        np.array([usual_per_hour(meter, profile) / meter.ratio]),
        np.array([gap_s]),
        np.array([profile.stuck_s]),
        np.array([rests(meter)]),
    )
    bank = RegisterBank(np.array([0, len(series)]), series.time, series.value)
    if not has_outgrown(np.diff(series.value, prepend=series.value[:1]), judge(bank, limits).verdict):
        return None
    fitted = fit_register_profile(series.time, series.value, ratio=meter.ratio, gap_s=gap_s)
    if fitted is None or fitted.per_hour <= profile.per_hour_at(meter.ratio):
        return None
    return replace(fitted, stuck_s=max(fitted.stuck_s, profile.stuck_s))


def _has_register(meter: Meter) -> bool:
    return meter.kind is not MeterKind.VIRTUAL and meter.value_kind is ValueKind.REGISTER


def _last_midnight(calendar: LocalCalendar, now: int) -> int:
    return int(calendar.day_start(calendar.day_number(np.array([now])))[0])


def rests(meter: Meter) -> bool:
    """Whether the meter may stand still for months: those with a season, and gas, which heats as well as it cooks."""
    return has_season(meter) or meter.category is Category.GAS


def has_season(meter: Meter) -> bool:
    """Whether the meter serves a season: heat, cooling, and air conditioning among the items of electricity."""
    if meter.category in (Category.HEAT, Category.COOLING):
        return True
    return meter.category is Category.ELECTRICITY and meter.item.startswith(AIR_CONDITIONING)


def usual_per_hour(meter: Meter, profile: RegisterProfile | None) -> float:
    """p99 of an hour in the meter's unit; inf where neither profile nor rated power tell.

    A register may always move as fast as twice its rated power lets it (住建部 建科[2008]114号), whatever season its
    profile was fitted in.
    """
    rated = rated_per_hour(meter)
    by_rating = 0.0 if rated is None else 2 * rated / LIMIT_FACTOR
    if profile is not None:
        return max(profile.per_hour_at(meter.ratio), by_rating)
    return by_rating or np.inf
