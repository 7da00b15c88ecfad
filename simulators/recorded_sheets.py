"""The recorded buildings as registry sheets, in a region of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from energy.intervals import HOUR, LocalCalendar
from simulators.recorded import INSTITUTION, WEATHER_GATEWAY, Recorded
from simulators.sheets import Row, Sheets

REGION: Final = "998800"
_DIGITS: Final = 9  # no recorded register comes near its end


def of_recording(
    meters: Sequence[Recorded], calendar: LocalCalendar, areas: Mapping[str, float], gateways: Sequence[str]
) -> Sheets:
    """Everything the registry must know before a recording is sent; `areas` are m2 by building."""
    buildings = list(dict.fromkeys(m.building for m in meters))
    first = calendar.date_of(min(m.start for m in meters))
    return {
        "regions": [
            {"code": REGION, "name_zh": "实测样本区", "name_en": "recorded sample", "parent": "", "climate_zone": ""}
        ],
        "institutions": [_institution()],
        "sites": [_site(calendar.zone)],
        "buildings": [_building(building) for building in buildings],
        "gateways": [_gateway(gateway) for gateway in gateways],
        "meters": [_meter(meter, first, calendar.date_of(meter.end - 1)) for meter in meters],
        "sensors": _sensors() if WEATHER_GATEWAY in gateways else [],
        "swaps": [],
        "denominators": list(_floor_areas({b: areas[b] for b in buildings if b in areas}, first)),
        "calendars": [],
    }


def _institution() -> Row:
    return {
        "id": INSTITUTION, "name_zh": "剑桥大学建筑实测样本", "name_en": "Cambridge University buildings, recorded",
        "region": REGION, "parent": "", "type": "021", "department": "", "credit_code": "", "tier": "",
        "quota_class": "", "climate_zone": "",
    }  # fmt: skip


def _site(zone: str) -> Row:
    return {
        "id": f"{INSTITUTION}-site", "institution": INSTITUTION, "name_zh": "剑桥", "name_en": "Cambridge, UK",
        "timezone": zone,
    }  # fmt: skip


def _building(building: str) -> Row:
    return {
        "id": f"{INSTITUTION}-{building}", "institution": INSTITUTION, "site": f"{INSTITUTION}-site",
        "name_zh": f"建筑 {building}", "name_en": f"building {building}", "letter": "D",
    }  # fmt: skip


def _gateway(gateway: str) -> Row:
    return {
        "id": gateway, "institution": INSTITUTION, "name_zh": f"回放 {gateway}", "name_en": f"replay {gateway}",
        "profile": "jieneng",
    }  # fmt: skip


def _meter(meter: Recorded, first: date, last: date) -> Row:
    """Out of service after its last recorded day: nobody waits for more."""
    zh, en = {"e": ("电", "electricity"), "g": ("燃气", "gas")}[meter.local]
    return {
        "id": meter.meter, "institution": INSTITUTION, "building": f"{INSTITUTION}-{meter.building}",
        "gateway": f"{INSTITUTION}-{meter.building}", "local": meter.local, "name_zh": f"{meter.building} {zh}",
        "name_en": f"{meter.building} {en}", "category": meter.category.value, "item": "", "kind": "physical",
        "value_kind": "register", "unit": "kWh", "digits": _DIGITS, "ct_ratio": 1, "pt_ratio": 1, "rated_kw": None,
        "interval_s": HOUR, "parent": "", "formula": "", "active_from": first.isoformat(),
        "active_to": last.isoformat(),
    }  # fmt: skip


def _sensors() -> list[Row]:
    return [
        {
            "id": f"{INSTITUTION}.wx.{local}", "institution": INSTITUTION, "gateway": WEATHER_GATEWAY,
            "local": local, "name_zh": zh, "name_en": en, "quantity": quantity, "unit": unit, "interval_s": HOUR,
            "place": f"region:{REGION}",
        }
        for local, zh, en, quantity, unit in (
            ("t", "气温 (Bedford)", "outdoor temperature (Bedford)", "temperature", "degC"),
            ("rh", "相对湿度 (Bedford)", "relative humidity (Bedford)", "humidity", "%"),
        )
    ]  # fmt: skip


def _floor_areas(areas: dict[str, float], first: date) -> Iterator[Row]:
    whole = {INSTITUTION: ("institution", round(sum(areas.values()), 1))} if areas else {}
    parts = {f"{INSTITUTION}-{building}": ("building", area) for building, area in areas.items()}
    for thing, (scope, area) in (whole | parts).items():
        yield {
            "scope": scope, "id": thing, "kind": "floor_area", "value": area, "unit": "m2",
            "valid_from": first.isoformat(), "valid_to": "", "note": "gross internal area",
        }  # fmt: skip
