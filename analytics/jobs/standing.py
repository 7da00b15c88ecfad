"""What dashboards need to know about things themselves: when each meter was last heard, and the directory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import IntEnum
from typing import Final

import numpy as np

from analytics.jobs.arrivals import arrivals_of
from analytics.jobs.estate import Estate
from analytics.jobs.limits import Extents
from analytics.jobs.rows import Writer, plain, table, texts
from analytics.jobs.sums import Sums
from energy.intervals import DAY, Window
from energy.model import Meter, MeterKind, Scope
from energy.registry import Snapshot
from energy.series import FloatArray
from energy.storage.base import Store
from energy.storage.schema import DIRECTORY, DIRECTORY_TIME, METER_STATUS

_LATE_FACTOR: Final = 3


class Hearing(IntEnum):
    """State of a meter (`meter_status.state`)."""

    HEARD = 0
    LATE = 1  # several readings are due
    SILENT = 2  # for more than a day
    NEVER = 3  # not heard yet


def hearing(meter: Meter, last: int | None, now: int) -> Hearing:
    """How long the meter has been silent, measured by how often it should speak."""
    if last is None:
        return Hearing.NEVER
    if now - last > max(DAY, _LATE_FACTOR * meter.interval_s):
        return Hearing.SILENT
    return Hearing.LATE if now - last > _LATE_FACTOR * meter.interval_s else Hearing.HEARD


def write_status(
    store: Store, writer: Writer, estate: Estate, sums: Sequence[Sums], extents: Extents, now: int
) -> None:
    """Replace today's status of every meter: newest reading, state, what came of the last closed day, clock.

    There is one row a meter and local day, which the runs of that day renew.
    """
    meters = [m for m in (*estate.meters, *estate.sensors) if m.kind is not MeterKind.VIRTUAL]
    if not meters:
        return
    edges = estate.calendar.edges(Window(now, now + 1), "day")
    last = [extents[m.id][1] if m.id in extents else None for m in meters]
    today = Window(int(edges[0]), int(edges[1]))
    coverage = _yesterday(sums, today.start) or _told_today(store, [m.id for m in meters], today)
    yesterday = Window(int(estate.calendar.edges(Window(today.start - 1, today.start), "day")[0]), today.start)
    arrived = arrivals_of(store, estate, meters, extents, yesterday=yesterday, now=now)
    rows = table(
        METER_STATUS,
        np.full(len(meters), edges[0], np.int64),
        {"meter": texts([m.id for m in meters])},
        {
            "last_seen_s": np.array([np.nan if t is None else t for t in last], np.float64),
            "coverage_day": np.array([coverage.get(m.id, np.nan) for m in meters], np.float64),
            "state": np.array([float(hearing(m, t, now)) for m, t in zip(meters, last, strict=True)]),
            "received_day": arrived.received,
            "clock_ahead_s": arrived.ahead,
            "clock_drift_s_per_day": plain(arrived.drift),
            "institution": texts([estate.institution] * len(meters)),
        },
    )
    writer.replace(rows, {"meter": [m.id for m in meters]}, today)


def _told_today(store: Store, meters: Sequence[str], today: Window) -> dict[str, float]:
    """What an earlier run of the day told of yesterday's coverage: this one added no totals."""
    where = {"meter": meters}
    rows = store.results(METER_STATUS.name, where=where, start=today.start, end=today.end, fields=("coverage_day",))
    return dict(zip(rows.tags["meter"].tolist(), rows.fields["coverage_day"].tolist(), strict=True))


def _yesterday(sums: Sequence[Sums], today: int) -> dict[str, float]:
    """Coverage of the day before `today` by meter; 0 for a meter in service that was not heard."""
    for part in sums:
        place = int(np.searchsorted(part.periods.edges, today)) - 1
        if part.periods.kind == "day" and 0 <= place < len(part.periods):
            coverage = part.totals.coverage[:, place]
            return {
                g.id: float(coverage[i]) for i, g in enumerate(part.groups) if g.scope is Scope.METER and g.rest is None
            }
    return {}


def write_directory(writer: Writer, snapshot: Snapshot, today: date) -> None:
    """Replace the whole directory by what the registry holds now."""
    entries = [*_regions(snapshot), *_institutions(snapshot, today), *_buildings(snapshot), *_meters(snapshot)]
    fields: dict[str, list[str | None]] = {name: [entry[1].get(name) for entry in entries] for name in DIRECTORY.texts}
    rows = table(
        DIRECTORY,
        np.full(len(entries), DIRECTORY_TIME, np.int64),
        {"scope": texts([scope.value for (scope, _), _ in entries]), "id": texts([name for (_, name), _ in entries])},
        {name: texts(values) for name, values in fields.items()}
        | {
            "floor_area_m2": _stated(snapshot, "floor_area", [key for key, _ in entries], today),
            "headcount": _stated(snapshot, "users", [key for key, _ in entries], today),
        },
    )
    writer.replace(rows, {}, Window(DIRECTORY_TIME, DIRECTORY_TIME + 1))


_Entry = tuple[tuple[Scope, str], dict[str, str | None]]


def _named(identity: str, zh: str, en: str) -> dict[str, str | None]:
    zh, en = zh or en or identity, en or zh or identity
    return {"name_zh": zh, "name_en": en, "choice_zh": f"{zh}|{identity}", "choice_en": f"{en}|{identity}"}


def _regions(snapshot: Snapshot) -> list[_Entry]:
    return [
        (
            (Scope.REGION, region.code),
            _named(region.code, region.name_zh, region.name_en)
            | {"parent": region.parent, "region": region.code, "zone": region.climate_zone},
        )
        for region in snapshot.regions.values()
    ]


def _institutions(snapshot: Snapshot, today: date) -> list[_Entry]:
    return [
        (
            (Scope.INSTITUTION, own.id),
            _named(own.id, own.name_zh, own.name_en)
            | {
                "parent": own.parent or own.region,
                "region": own.region,  # its code, so that a subtree is a prefix even where a parent stands between
                "type": own.type,
                "tier": own.tier,
                "zone": snapshot.climate_zone_of(own.id),
                "department": snapshot.department_of(own.id, today),
            },
        )
        for own in snapshot.institutions.values()
    ]


def _buildings(snapshot: Snapshot) -> list[_Entry]:
    return [
        (
            (Scope.BUILDING, own.id),
            _named(own.id, own.name_zh, own.name_en)
            | {"parent": own.institution, "region": snapshot.institutions[own.institution].region, "type": own.letter},
        )
        for own in snapshot.buildings.values()
    ]


def _meters(snapshot: Snapshot) -> list[_Entry]:
    return [
        (
            (Scope.METER, own.id),
            _named(own.id, *snapshot.meter_names.get(own.id, ("", "")))
            | {
                "parent": own.building or own.institution,
                "region": snapshot.institutions[own.institution].region,
                "type": own.category.value,
            },
        )
        for own in snapshot.meters.values()
    ]


def _stated(snapshot: Snapshot, kind: str, keys: Sequence[tuple[Scope, str]], today: date) -> FloatArray:
    rows = [snapshot.denominator_on(scope.value, name, kind, today) for scope, name in keys]
    return np.array([np.nan if row is None else row.value for row in rows], np.float64)
