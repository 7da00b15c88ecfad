"""How people live in buildings, and the energy that follows: load shapes of end uses, hour by hour.

The shapes were compared with 373 recorded building-years of 65 university buildings, on figures that say nothing about
size (`python -m benchmarks.compare_loads FOLDER` prints both side by side); P10 / P50 / P90 over buildings:

    figure                      recorded               simulated
    night / day                 0.32 / 0.62 / 0.86     0.39 / 0.53 / 0.68
    weekend / workday           0.56 / 0.83 / 0.95     0.68 / 0.82 / 0.96
    correlation 1 h             0.86 / 0.94 / 0.97     0.87 / 0.93 / 0.95
    CV                          0.16 / 0.32 / 0.65     0.23 / 0.35 / 0.53
    residual CV                 0.09 / 0.19 / 0.44     0.14 / 0.21 / 0.34
    residual correlation 1 h    0.76 / 0.91 / 0.97     0.91 / 0.94 / 0.95
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from energy.series import FloatArray
from simulators.streams import Streams, autoregressive
from simulators.weather import Weather
from simulators.workdays import Hours


@dataclass(frozen=True, slots=True)
class Profile:
    """How a kind of institution lives: opening hours, free days, and power per floor area.

    `weekend` and `vacation` are the people present on such days, as a share of a workday; `always` the share that
    never leaves. Powers are in W/m2, `water_l` in litres per person and day, `heat_w_k` in W per m2 and K.
    """

    opens: float
    closes: float
    weekend: float
    vacation: float = 1.0
    always: float = 0.03
    lunch: float = 0.15
    light: float = 5.5
    light_base: float = 2.0
    fans: float = 3.0
    cooling: float = 0.85
    lifts: float = 1.3
    pumps: float = 0.8
    servers: float = 2.6
    kitchen: float = 3.5
    water_l: float = 45.0
    heat_w_k: float = 1.3


PROFILES: Final = {
    "office": Profile(8.0, 18.0, 0.14),
    "hall": Profile(8.4, 17.6, 0.35, light=8.0, light_base=2.2, fans=4.0, water_l=25),
    "school": Profile(7.2, 17.4, 0.10, vacation=0.12, light=5.0, light_base=1.3, servers=1.0, water_l=30),
    "university": Profile(
        7.3, 22.3, 0.72, vacation=0.35, always=0.25, light=5.5, light_base=1.8, servers=1.6, water_l=95
    ),
    "hospital": Profile(7.2, 18.2, 0.72, always=0.5, light=8.0, light_base=2.6, fans=5.0, servers=2.6, water_l=150),
    "laboratory": Profile(8.2, 19.5, 0.45, always=0.2, light=7.0, light_base=3.0, fans=6.0, servers=4.5, water_l=70),
    "library": Profile(8.6, 21.2, 1.08, light=7.0, light_base=2.2, fans=3.5, servers=1.8, water_l=15),
    "sports": Profile(8.0, 22.0, 1.25, light=7.0, light_base=2.0, fans=4.0, pumps=2.2, servers=0.8, water_l=40),
}
ITEMS: Final = ("A1", "A2", "B1", "B2", "C1", "C2", "D1", "D3")


def individual(profile: Profile, streams: Streams) -> Profile:
    """The same kind of institution with habits of its own: no two offices use the same."""
    draw = streams.named("character")
    hours_off, *spread = draw.standard_normal(9)
    factor = [float(np.exp(0.3 * z)) for z in np.clip(spread, -1.8, 1.8)]
    late = 0.5 * float(np.clip(hours_off, -1.5, 2))
    return replace(
        profile,
        closes=profile.closes + late,
        weekend=profile.weekend * factor[0] if profile.weekend < 0.6 else profile.weekend,
        light=profile.light * factor[1],
        light_base=profile.light_base * factor[2] ** 1.5,
        fans=profile.fans * factor[3],
        cooling=profile.cooling * factor[4],
        pumps=profile.pumps * factor[5],
        servers=profile.servers * factor[6] ** 2,
        kitchen=profile.kitchen * factor[7],
    )


def presence(profile: Profile, at: Hours, weekday_mood: FloatArray) -> FloatArray:
    """People present in each hour, as a share of a full workday; soft edges, a dip at noon.

    `weekday_mood`, shape (n_days,), multiplies whole days: no two workdays are the same.
    """
    h = at.hour + 0.5
    rise = 1 / (1 + np.exp(-(h - profile.opens) / 0.45))
    fall = 1 / (1 + np.exp((h - profile.closes) / 0.7))
    dip = 1 - profile.lunch * np.exp(-(((h - 12.5) / 0.8) ** 2))
    level = np.where(at.workday, 1.0, profile.weekend) * np.where(at.vacation, profile.vacation, 1.0)
    return np.asarray(profile.always + (1 - profile.always) * rise * fall * dip * (level * weekday_mood)[at.day])


def end_uses(
    profile: Profile, area_m2: float, at: Hours, sky: Weather, people: FloatArray, streams: Streams
) -> dict[str, FloatArray]:
    """Electricity of every end use of a building in each hour, by item code. [kWh]"""
    dark = 1 + 0.18 * np.cos(2 * np.pi * (at.day_of_year + 10) / 365.25)
    night = ((at.hour >= 18) | (at.hour < 6)).astype(np.float64)
    felt = felt_temperature(sky.temperature)
    warm, cold = np.maximum(felt - 22.5, 0), np.maximum(9.0 - felt, 0)
    running = np.clip(people, 0, 1.3)
    meals = sum(np.exp(-(((at.hour + 0.5 - meal) / 1.0) ** 2)) for meal in (7.2, 11.6, 17.6))
    fed = np.clip(_daily_mean(people, at) * 1.6, 0.05, 1.2)
    watts = {
        "A1": profile.light_base * 0.75 + profile.light * running * dark,
        "A2": profile.light_base * (0.35 + 0.45 * night * dark),
        "B1": profile.cooling * warm * (0.18 + running) * 1.1 + 0.12 * cold * (0.4 + running),
        "B2": profile.fans * (0.12 + running) * np.clip(0.35 + 0.11 * warm + 0.05 * cold, 0, 1.2),
        "C1": profile.lifts * (0.06 + running),
        "C2": profile.pumps * (0.35 + 0.65 * running),
        "D1": profile.servers * (1 + 0.006 * (felt - 12.5)),
        "D3": profile.kitchen * (0.06 + meals * fed[at.day]),
    }
    spread = {"B1": 0.2, "B2": 0.15, "D1": 0.03, "D3": 0.2, "A2": 0.06}
    slow = np.exp(0.05 * autoregressive(streams.named("habits").standard_normal(at.n_days), 0.93))[
        at.day
    ]  # habits drift over weeks
    return {
        item: watts[item] * slow * area_m2 / 1000 * _jitter(streams, item, len(at), spread.get(item, 0.11))
        for item in ITEMS
    }


def felt_temperature(temperature: FloatArray) -> FloatArray:
    """What a building of stone feels: half the hour's temperature, half the mean of the last day. [degC]"""
    total = np.concatenate([[0.0], np.cumsum(temperature)])
    index = np.arange(1, len(total))
    begin = np.maximum(index - 24, 0)
    return np.asarray(0.5 * temperature + 0.5 * (total[index] - total[begin]) / (index - begin))


def water(profile: Profile, users: int, at: Hours, people: FloatArray, streams: Streams) -> FloatArray:
    """Water of an institution in each hour; a small flow never stops. [m3]"""
    per_hour = users * profile.water_l / 1000 / 13
    return per_hour * (0.05 + people) * _jitter(streams, "water", len(at), 0.15)


def kitchen_share(at: Hours, people: FloatArray, streams: Streams) -> FloatArray:
    """How much of its full power a kitchen uses in each hour; pilot flames at night."""
    meals = sum(np.exp(-(((at.hour + 0.5 - meal) / 0.9) ** 2)) for meal in (6.8, 11.2, 17.2))
    fed = np.clip(_daily_mean(people, at) * 1.6, 0.05, 1.2)
    return np.asarray((0.03 + meals * fed[at.day]) * _jitter(streams, "kitchen", len(at), 0.14))


def heat(profile: Profile, area_m2: float, at: Hours, sky: Weather, streams: Streams) -> FloatArray:
    """Heat bought in each hour of the heating season, less at night; exactly none outside it. [GJ]"""
    need = np.maximum(18.0 - felt_temperature(sky.temperature), 0)
    setback = 0.78 + 0.22 * ((at.hour >= 6) & (at.hour < 20))
    gigajoule = profile.heat_w_k * area_m2 * need * setback * 3600 / 1e9
    return np.asarray(gigajoule * at.heating[at.day] * _jitter(streams, "heat", len(at), 0.05))


def room(sky: Weather, people: FloatArray, at: Hours, streams: Streams) -> FloatArray:
    """Temperature of an ordinary room: it floats with the weather between the set-points that are kept. [degC]"""
    warmed = np.where(at.heating[at.day], 18.2 + 1.0 * np.clip(people, 0, 1), 10.0)
    noise = 0.2 * autoregressive(streams.named("room").standard_normal(len(at)), 0.8)
    return np.asarray(np.clip(felt_temperature(sky.temperature) + 1.5, warmed, 26.4) + noise)


def _daily_mean(people: FloatArray, at: Hours) -> FloatArray:
    counted = np.bincount(at.day, minlength=at.n_days)
    return np.asarray(np.bincount(at.day, people, at.n_days) / np.maximum(counted, 1))


def _jitter(streams: Streams, name: str, n: int, spread: float) -> FloatArray:
    """A positive factor around 1 that wanders from hour to hour."""
    return np.asarray(np.exp(spread * autoregressive(streams.named(name).standard_normal(n), 0.55) - spread**2 / 2))
