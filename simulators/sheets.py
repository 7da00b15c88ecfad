"""The simulated province as registry sheets, one sheet a noun."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from energy.intervals import LocalCalendar, Window
from simulators.catalogue import REGIONS, ZONE, House
from simulators.devices import Device, Gateway
from simulators.faults import Fault, FaultKind
from simulators.workdays import VACATIONS

Row = dict[str, object]
Sheets = dict[str, list[Row]]
_COUNT_UNITS: Final = {"bed_days": "bed·d", "outpatients": "p", "students": "p", "staff": "p"}
_SCHOOLS: Final = ("school", "university")


def of_province(
    houses: tuple[House, ...],
    gateways: dict[str, tuple[Gateway, ...]],
    swaps: list[Row],
    window: Window,
    calendar: LocalCalendar,
) -> Sheets:
    """Everything the registry must know before the first reading is sent."""
    first, last = calendar.date_of(window.start), calendar.date_of(window.end - 1)
    parts = [gateway for house in houses for gateway in gateways[house.id]]
    devices = [(gateway, device) for gateway in parts for device in gateway.devices]
    return {
        "regions": [_region(r.code, r.name_zh, r.name_en, r.parent, r.climate_zone) for r in REGIONS],
        **institution_rows(houses, first, last),
        "gateways": [
            {"id": g.id, "institution": g.house, "name_zh": g.name_zh, "name_en": g.name_en, "profile": "jieneng"}
            for g in parts
        ],
        "meters": [_meter(d, first) for _, d in devices if not d.is_sensor],
        "sensors": [_sensor(d) for _, d in devices if d.is_sensor],
        "swaps": swaps,
    }


def institution_rows(houses: tuple[House, ...], first: date, last: date) -> Sheets:
    """What an institution is, with or without meters: itself, its places, denominators and calendar."""
    return {
        "institutions": [_institution(house) for house in houses],
        "sites": [_site(house) for house in houses],
        "buildings": [_building(house, n) for house in houses for n in range(1, house.buildings + 1)],
        "denominators": [row for house in houses for row in _denominators(house, first)],
        "calendars": [row for house in houses for row in _vacations(house, first, last)],
    }


def _region(code: str, zh: str, en: str, parent: str, zone: str) -> Row:
    return {"code": code, "name_zh": zh, "name_en": en, "parent": parent, "climate_zone": zone}


def _institution(house: House) -> Row:
    zone = next(region.climate_zone for region in REGIONS if region.code == house.region)
    return {
        "id": house.id, "name_zh": house.name_zh, "name_en": house.name_en, "region": house.region, "parent": "",
        "type": house.type, "department": house.department, "credit_code": "", "tier": house.tier,
        "quota_class": house.quota_class, "climate_zone": zone,
    }  # fmt: skip


def _site(house: House) -> Row:
    return {
        "id": f"{house.id}-s1", "institution": house.id, "name_zh": f"{house.name_zh}本部", "name_en": "main site",
        "timezone": ZONE,
    }  # fmt: skip


def _building(house: House, number: int) -> Row:
    return {
        "id": f"{house.id}-b{number}", "institution": house.id, "site": f"{house.id}-s1",
        "name_zh": f"{number}号楼", "name_en": f"building {number}", "letter": house.letter,
    }  # fmt: skip


def _meter(device: Device, first: date) -> Row:
    return {
        "id": device.id, "institution": device.house, "building": device.building, "gateway": device.gateway,
        "local": device.local, "name_zh": device.name_zh, "name_en": device.name_en, "category": device.category.value,
        "item": device.item, "kind": "physical", "value_kind": "register", "unit": device.unit, "digits": device.digits,
        "ct_ratio": device.ct, "pt_ratio": device.pt, "rated_kw": device.rated_kw, "interval_s": 3600,
        "parent": device.parent, "formula": "", "active_from": first.isoformat(), "active_to": "",
    }  # fmt: skip


def _sensor(device: Device) -> Row:
    return {
        "id": device.id, "institution": device.house, "gateway": device.gateway, "local": device.local,
        "name_zh": device.name_zh, "name_en": device.name_en, "quantity": device.quantity, "unit": device.unit,
        "interval_s": 3600, "place": device.place,
    }  # fmt: skip


def _denominators(house: House, first: date) -> Iterator[Row]:
    def row(scope: str, thing: str, kind: str, value: float, unit: str) -> Row:
        return {
            "scope": scope, "id": thing, "kind": kind, "value": value, "unit": unit, "valid_from": first.isoformat(),
            "valid_to": "", "note": "虚构 (fictitious)",
        }  # fmt: skip

    yield row("institution", house.id, "floor_area", house.area_m2, "m2")
    yield row("institution", house.id, "heated_area", round(house.area_m2 * 0.92), "m2")
    yield row("institution", house.id, "users", house.users, "p")
    for kind, value in house.counts.items():
        yield row("institution", house.id, kind, value, _COUNT_UNITS[kind])
    for kind, value in _standard_persons(house).items():
        yield row("institution", house.id, kind, value, "p")
    for number in range(1, house.buildings + 1):
        yield row("building", f"{house.id}-b{number}", "floor_area", round(house.area_m2 / house.buildings), "m2")


def misregistered(row: Row, lapses: Sequence[Fault], calendar: LocalCalendar) -> Iterator[Row]:
    """A stated denominator, cut where somebody registered a building's area wrongly and put it right later."""
    wrong = [
        f for f in lapses if f.kind is FaultKind.AREA and (row["scope"], row["id"]) == ("building", _building_of(f))
    ]
    valid_from, area = row["valid_from"], float(str(row["value"]))
    for fault in wrong:
        first, last = (calendar.date_of(instant).isoformat() for instant in (fault.first, fault.last))
        yield {**row, "valid_from": valid_from, "valid_to": first}
        yield {**row, "valid_from": first, "valid_to": last, "value": round(area * fault.size)}
        valid_from = last
    yield {**row, "valid_from": valid_from}


def _building_of(fault: Fault) -> str:
    """Building of a main meter: its id is that of the meter, with a dash."""
    house, building, _ = fault.subject.rsplit(".", 2)
    return f"{house}-{building}"


def _standard_persons(house: House) -> dict[str, float]:
    """Heads that the water indicators of education count (DB37/T 4452-2021); nobody boards at these schools."""
    students, staff = house.counts.get("students"), house.counts.get("staff")
    if students is None or staff is None:
        return {}
    if house.profile_key == "university":
        return {"university_persons": students + 0.5 * staff}
    return {"school_persons": students + staff}


def _vacations(house: House, first: date, last: date) -> Iterator[Row]:
    """A school's own calendar: the vacations that touch the days first .. last."""
    if house.profile_key not in _SCHOOLS:
        return
    for year in range(first.year, last.year + 1):
        for begin, end, zh, _ in VACATIONS:
            opens, closes = date(year, *begin), date(year, *end)
            if closes >= first and opens <= last + timedelta(days=366):
                yield {
                    "institution": house.id, "date_from": opens.isoformat(), "date_to": closes.isoformat(),
                    "kind": "vacation", "name": zh,
                }  # fmt: skip
