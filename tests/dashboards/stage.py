"""A small province in a real InfluxDB 2, as Grafana finds it: readings, what the jobs make of them, and the rows of
those measurements whose makers are tested elsewhere (expected values, targets, findings, the collector's minutes)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from analytics import jobs
from energy.intervals import DAY, HOUR, LocalCalendar
from energy.registry import Registry, Touched
from energy.series import Readings, Table
from energy.storage.base import Store
from energy.storage.schema import MEASUREMENTS
from simulators import province

ZONE = "Asia/Shanghai"
DAYS = 16
FAR = 100 * DAY
SILENT = "sl-jgsw.w-main"
SLOW = "sl-jgsw.e"
"""A meter whose clock is five minutes behind."""
"""A meter that says nothing for the last two days."""
LATEST = date(2026, 3, 20)
"""The day after the last of the stage: late enough in the heating season that everything has something to show."""


def fill(store: Store, folder: Path, *, houses: int = 3, days: int = DAYS) -> int:
    """Put the last days of the province into the store and compute them; the instant to be taken for now."""
    calendar = LocalCalendar(ZONE)
    shire = province.build(1, LATEST - timedelta(days=days), LATEST + timedelta(days=1), houses=houses)
    start, now = shire.window.start, calendar.start_of(LATEST)
    registry = Registry.open(f"sqlite:///{folder / 'registry.db'}", migrate=True)
    try:
        registry.import_sheets(shire.sheets)
        _write(store, registry, shire, start, now)
        jobs.run(store, registry, now=now)
    finally:
        registry.close()
    complete(store, [house.id for house in shire.houses], now=now)
    return now


def _write(store: Store, registry: Registry, shire: province.Province, start: int, end: int) -> None:
    for gateways in shire.gateways.values():
        for gateway in gateways:
            names = [device.id for device in gateway.devices]
            shown = shire.registers(names, start, end + 1)
            meter, column = np.nonzero(np.isfinite(shown.values))
            times = shown.times[column]
            silent = (np.array(names) == SILENT)[meter] & (times > end - 2 * DAY)
            meter, times = meter[~silent], times[~silent]
            column = column[~silent]
            late = np.where((np.array(names) == SLOW)[meter], 300, 0)
            readings = Readings(
                tuple(names),
                meter.astype(np.int32),
                times,
                shown.values[meter, column],
                np.zeros(len(meter), np.uint8),
                times + 5 + late,
            )
            for at in range(0, len(readings), 20_000):
                store.write_readings(readings.take(slice(at, at + 20_000)))
            registry.mark_touched([Touched(name, start, end) for name in names])


def complete(store: Store, institutions: Sequence[str], *, now: int) -> None:
    """Rows that other jobs write, made from what is there by rules that anyone can follow."""
    for measurement in ("finding", "target"):
        _clear(store, measurement, now)
    _expect(store, now)
    _rank(store, institutions, now)
    _heat(store, institutions, now)
    _aim(store, institutions, now)
    _find(store, institutions, now)
    _collect(store, now)


def _clear(store: Store, measurement: str, now: int) -> None:
    """Take away what the jobs wrote, so that the stage holds what it says whatever they learn."""
    schema = MEASUREMENTS[measurement]
    none = Table(measurement, np.zeros(0, np.int64), {tag: np.zeros(0, object) for tag in schema.tags}, {})
    store.replace(none, where={}, start=0, end=now + DAY)


def _expect(store: Store, now: int) -> None:
    """Where the jobs expect nothing yet: the use of a week earlier, a band of a tenth; last year a tenth more."""
    for period in ("day", "month"):
        where = {"scope": ["institution", "building", "region"], "period": [period], "item": ["all"]}
        rows = store.results("total", where=where, start=now - FAR, end=now)
        before = {"last_year": np.asarray(rows.fields["amount"], np.float64) * 1.1}
        put(store, "total", rows, where, _band(rows, 7 * DAY) | before, now - FAR, now)
    rows = store.results("interval", where={}, start=now - FAR, end=now)
    put(store, "interval", rows, {}, _band(rows, 7 * DAY), now - FAR, now)


def _band(rows: Table, before: int) -> dict[str, np.ndarray]:
    """The amount `before` seconds earlier in the same series, and a tenth to either side."""
    amount = np.asarray(rows.fields["amount"], np.float64)
    keys = list(zip(*(rows.tags[tag] for tag in sorted(rows.tags)), rows.time.tolist(), strict=True))
    known = dict(zip(keys, amount.tolist(), strict=True))
    earlier = np.array([known.get((*key[:-1], key[-1] - before), np.nan) for key in keys])
    expected = {"expected": earlier, "expected_low": earlier * 0.9, "expected_high": earlier * 1.1}
    by_the_jobs = np.isfinite(np.asarray(rows.fields["expected"], np.float64))
    return {name: np.where(by_the_jobs, rows.fields[name], values) for name, values in expected.items()}


def put(
    store: Store,
    measurement: str,
    rows: Table,
    where: Mapping[str, Sequence[str]],
    more: Mapping[str, np.ndarray],
    start: int,
    end: int,
) -> None:
    """The same rows with more fields."""
    store.replace(Table(measurement, rows.time, rows.tags, {**rows.fields, **more}), where=where, start=start, end=end)


def _rank(store: Store, institutions: Sequence[str], now: int) -> None:
    """Twelve months by floor area as if the year were known: 18, 20, 22 ... kgce/(m2 a), and one level for all."""
    n = len(institutions)
    for key, first in (("energy_per_area", 18.0), ("water_per_person", 9.0)):
        caliber = "gb2589_equivalent_value" if key.startswith("energy") else "physical"
        where = {"scope": ["institution"], "id": list(institutions), "period": ["rolling12"], "indicator": [key]}
        value = first + 2.0 * np.arange(n)
        write(
            store,
            "indicator",
            now - 19 * DAY,
            where,
            [
                {"scope": "institution", "id": i, "period": "rolling12", "indicator": key, "caliber": caliber}
                for i in institutions
            ],
            {
                "value": value,
                "rank": n - np.arange(n, dtype=float),
                "rank_of": np.full(n, float(n)),
                "constraint": np.full(n, 24.0),
                "baseline": np.full(n, 20.0),
                "guide": np.full(n, 15.0),
                "coverage": np.ones(n),
                "group": np.array(["01|县级|寒冷A"] * n, object),
            },
        )


def _heat(store: Store, institutions: Sequence[str], now: int) -> None:
    """The last two heating seasons: 9.5 and 10.5 kgce/m2 of heated area."""
    key = "heating_energy_per_heated_area"
    for name in institutions:
        where = {"scope": ["institution"], "id": [name], "period": ["season"], "indicator": [key]}
        tags = {tag: values[0] for tag, values in where.items()} | {"caliber": "sd_2019"}
        times = now - DAY * np.array([262 + 365, 262])
        fields = {"value": np.array([9.5, 10.5]), "coverage": np.ones(2)}
        write(store, "indicator", times, where, [tags] * 2, fields)


def _aim(store: Store, institutions: Sequence[str], now: int) -> None:
    """Daily progress over 40 days: the first institution has passed its target, the second nearly, the third not."""
    reached = np.array([1.03, 0.86, 0.42, 0.31])
    for place, name in enumerate(institutions):
        share = reached[place % 4] * np.linspace(0.8, 1.0, 40)
        stage = np.where(share >= 1, 1.0, np.where(share >= 0.9, 0.9, np.where(share >= 0.8, 0.8, 0.0)))
        where = {"scope": ["institution"], "id": [name], "indicator": ["electricity_per_area"], "caliber": ["physical"]}
        tags = {tag: values[0] for tag, values in where.items()}
        target = 60.0 + place
        fields = {
            "target": np.full(40, target),
            "used": share * target,
            "used_share": share,
            "expected_share": np.linspace(0.40, 0.46, 40),
            "forecast": np.full(40, target * (0.5 + reached[place % 4])),
            "stage": stage,
            "outlook": np.full(40, [3.0, 2.0, 1.0, 1.0][place % 4]),
            "coverage": np.full(40, 0.99),
        }
        if place % 4 < 2:
            fields["breach_ms"] = np.full(40, (now + 30 * DAY) * 1000.0)
        write(store, "target", now - DAY * np.arange(40, 0, -1), where, [tags] * 40, fields)


def _find(store: Store, institutions: Sequence[str], now: int) -> None:
    """Two findings an institution: water at night (open) and a load out of hours (closed).

    The first institution has a wrong ratio besides (closed), by which too little was counted. Its other findings are
    the newest and worth least; those of all others are worth the same.
    """
    texts = (
        (
            "night_flow",
            4,
            1.0,
            "夜间用水偏高",
            "High water use at night",
            "02:00-05:00 平均流量为平时的 2.4 倍，先查卫生间与水箱浮球阀。",
            "Flow of 02:00-05:00 is 2.4 times the usual; look at toilets and float valves first.",
        ),
        (
            "off_hours",
            8,
            0.0,
            "非工作时间用电偏高",
            "Electricity out of hours",
            "夜间负荷比期望高 18 kW，先查空调是否未关。",
            "Load at night is 18 kW above the expected; see whether air conditioning was left on.",
        ),
        (
            "scale",
            12,
            0.0,
            "疑似倍率错误",
            "Ratio looks wrong",
            "用量约为平时的 10 %，先核对倍率。",
            "Use is about 10 % of the usual; check the ratio first.",
        ),
    )
    for place, name in enumerate(institutions):
        for kind, ago, is_open, title_zh, title_en, text_zh, text_en in texts[: 2 if place else 3]:
            meter = f"{name}.w-main" if kind == "night_flow" else f"{name}.b1.e"
            where = {"institution": [name], "meter": [meter], "kind": [kind]}
            start = now - (ago + place) * DAY + 2 * HOUR
            one = {
                "id": f"f-{name}-{kind}",
                "title_zh": title_zh,
                "title_en": title_en,
                "text_zh": text_zh,
                "text_en": text_en,
            }
            write(
                store,
                "finding",
                start,
                where,
                [{tag: values[0] for tag, values in where.items()}],
                {
                    "end_ms": np.array([(start + DAY) * 1000.0]),
                    "severity": np.array([240.0 + 65 * min(place, 1)]),
                    "excess": np.array([120.0]),
                    "excess_yuan": np.array([-900.0 if kind == "scale" else 480.0 + 130 * place]),
                    "open": np.array([is_open]),
                    **{key: np.array([value], object) for key, value in one.items()},
                },
            )


def _collect(store: Store, now: int) -> None:
    """A day of minutes: 120 readings stored a minute, a few again, seven parked once an hour, a lag of two seconds."""
    minutes = now - 60 * np.arange(1440, 0, -1)
    each = {"stored": np.full(1440, 120.0), "duplicate": np.full(1440, 2.0)}
    each["conflict"] = np.where(np.arange(1440) % 60 == 30, 4.0, 0.0)
    each["unknown_device"] = np.where(np.arange(1440) % 60 == 45, 3.0, 0.0)
    for reason, readings in each.items():
        where = {"collector": ["c1"], "reason": [reason]}
        fields = {"readings": readings, "lag_s": np.full(1440, 2.0), "spool_bytes": np.full(1440, 52_000.0)}
        write(store, "ingest", minutes, where, [{"collector": "c1", "reason": reason}] * 1440, fields)


def write(
    store: Store,
    measurement: str,
    time: int | np.ndarray,
    where: Mapping[str, Sequence[str]],
    tags: Sequence[Mapping[str, str]],
    fields: Mapping[str, np.ndarray],
) -> None:
    """Rows at one instant, or at one instant each."""
    instants = np.broadcast_to(np.asarray(time, np.int64), (len(tags),)).copy()
    columns = {name: np.array([row[name] for row in tags], object) for name in MEASUREMENTS[measurement].tags}
    store.replace(
        Table(measurement, instants, columns, dict(fields)),
        where=where,
        start=int(instants.min()),
        end=int(instants.max()) + 1,
    )
