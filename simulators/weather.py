"""Hourly outdoor temperature and humidity: season, day, and weather that stays for some days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy.series import FloatArray
from simulators.streams import Streams, autoregressive
from simulators.workdays import Hours


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """Temperature [degC] and relative humidity [%], shape (n_hours,), at the beginning of each hour."""

    temperature: FloatArray
    humidity: FloatArray


def weather(streams: Streams, code: str, warmer_c: float, at: Hours) -> Weather:
    """The weather of a region: that of the province, shifted, with a little of its own.

    Yearly mean about 12.3 degC and amplitude 14 K (about 2,500 heating degree days below 18 degC: zone 寒冷),
    daily swing about 9 K with its peak at 15 o'clock, fronts of several days (AR(1), phi .7 a day, 2.7 K).
    """
    shared, own = streams.at("weather"), streams.at("weather", code)
    days = at.n_days + 1
    season = 12.3 - 13.8 * np.cos(2 * np.pi * (at.day_of_year - 20) / 365.25)
    fronts = 2.7 * autoregressive(shared.named("fronts").standard_normal(days), 0.7)
    front = np.interp(at.day + at.hour / 24, np.arange(days), fronts)
    clear = np.clip(1 + 0.35 * own.named("clouds").standard_normal(days), 0.2, 1.8)[at.day]  # cloudy days swing less
    swing = 4.5 * clear * np.cos(2 * np.pi * (at.hour - 15) / 24)
    noise = 0.5 * autoregressive(own.named("noise").standard_normal(len(at)), 0.85)
    temperature = season + warmer_c + front + swing + noise
    moist = 62 + 12 * np.sin(2 * np.pi * (at.day_of_year - 120) / 365.25) - 2.2 * swing - 1.5 * front
    moist += 4 * autoregressive(own.named("moisture").standard_normal(len(at)), 0.9)
    return Weather(_rounded(temperature, 1), _rounded(np.clip(moist, 12, 100), 0))


def _rounded(values: FloatArray, decimals: int) -> FloatArray:
    return np.asarray(np.round(values, decimals), np.float64)
