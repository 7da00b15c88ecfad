"""The metering of the province: gateways, meters with their tree, and sensors, planned from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from energy.model import Category
from simulators.catalogue import HOUSES, REGIONS, House, Metering
from simulators.shapes import ITEMS

WEATHER_HOUSE: Final = "sl-jgsw"
BAD_GATEWAY: Final = "jz-gh-g1"
"""The one gateway that also sends what nobody can use."""
# Which item meters a building has below its main meter: code -> code of the parent ("" = the building's main).
_TREES: Final[dict[Metering, dict[str, str]]] = {
    "items": {"A": "", "B": "", "C": "", "D": ""},
    "subs": {"A": "", "B": "", "B1": "B", "B2": "B", "C": "", "D": ""},
    "full": {"A": "", "A1": "A", "A2": "A", "B": "", "B1": "B", "B2": "B", "C": "", "D": "", "D1": "D", "D3": "D"},
}
_ITEM_NAMES: Final = {
    "A": ("照明插座", "lighting and sockets"),
    "A1": ("照明与插座", "lighting and plug loads"),
    "A2": ("走廊与应急", "corridors and emergency"),
    "B": ("空调", "air conditioning"), "B1": ("冷热站", "plant"),
    "B2": ("空调末端", "terminals"), "C": ("动力", "power"),
    "D": ("特殊", "special"), "D1": ("信息中心", "data centre"),
    "D3": ("厨房餐厅", "kitchen"),
}  # fmt: skip
_CT: Final = (1, 10, 15, 20, 30, 40, 60, 80, 120, 160, 200, 300, 400, 600)


@dataclass(frozen=True, slots=True)
class Device:
    """A meter or sensor as the simulator plays it.

    `decimals` of the display; `scale` display units per canonical unit (kWh, m3, GJ), before the ratio.
    """

    id: str
    house: str
    gateway: str
    local: str
    name_zh: str
    name_en: str
    category: Category
    unit: str
    building: str = ""
    item: str = ""
    parent: str = ""
    digits: int = 6
    decimals: int = 2
    ct: float = 1.0
    pt: float = 1.0
    scale: float = 1.0
    rated_kw: float | None = None
    quantity: str = "energy"
    place: str = ""
    covers: tuple[str, ...] = field(default=())

    @property
    def is_sensor(self) -> bool:
        """True for what measures no energy or water."""
        return self.quantity != "energy"

    @property
    def steps_per_unit(self) -> float:
        """Smallest steps of the display in one canonical unit (kWh, m3, GJ)."""
        return float(10**self.decimals * self.scale / (self.ct * self.pt))

    @property
    def wraps_at(self) -> int:
        """Steps of the display at which it starts again from zero."""
        return int(10 ** (self.digits + self.decimals))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway with what hangs on it; a small one speaks the list form."""

    id: str
    house: str
    name_zh: str
    name_en: str
    devices: tuple[Device, ...]
    list_form: bool = False


def plan(houses: tuple[House, ...] = HOUSES) -> dict[str, tuple[Gateway, ...]]:
    """The gateways of every institution, in the order of the demo."""
    return {house.id: tuple(_gateways(house)) for house in houses}


def _gateways(house: House) -> Iterator[Gateway]:
    roots = [_site_meter(house)] if house.buildings > 1 else []
    for number in range(1, house.buildings + 1):
        below = roots[0].id if roots else ""
        devices = (*(roots if number == 1 else ()), *_building_meters(house, number, below))
        if number == 1 and house.metering == "full":
            devices += (_occupancy(house), _room(house))
        wet = tuple(_wet_meters(house))
        if number == 1 and house.buildings == 1 and house.metering == "items" and house.canteen is False:
            devices, wet = devices + tuple(_moved(d, f"{house.id}-g1") for d in wet), ()
        yield Gateway(f"{house.id}-g{number}", house.id, f"{house.name_zh}{number}号网关", f"gateway {number}", devices)
        if number == 1 and wet:
            yield Gateway(
                f"{house.id}-w",
                house.id,
                f"{house.name_zh}水热网关",
                "water and heat gateway",
                wet,
                house.tier == "县级",
            )
    if house.id == WEATHER_HOUSE:
        yield Gateway("sl-weather", house.id, "示例省气象网关", "weather gateway", tuple(_weather(house)))


def _site_meter(house: House) -> Device:
    peak_kw = _peak_kw(house, house.area_m2)
    ct = _standard_ct(peak_kw / 17.3 / 5)  # 10 kV, secondary 5 A
    return Device(
        f"{house.id}.e", house.id, f"{house.id}-g1", "e-total", f"{house.name_zh}总进线", "incoming supply",
        Category.ELECTRICITY, "kWh", ct=ct, pt=100.0, decimals=4, rated_kw=peak_kw,
    )  # fmt: skip


def _building_meters(house: House, number: int, below: str) -> Iterator[Device]:
    area = house.area_m2 / house.buildings
    prefix, gateway, building = f"{house.id}.b{number}", f"{house.id}-g{number}", f"{house.id}-b{number}"
    peak = _peak_kw(house, area)
    yield Device(
        f"{prefix}.e", house.id, gateway, "e-main", f"{number}号楼总电", f"building {number} main",
        Category.ELECTRICITY, "kWh", building, parent=below, ct=_standard_ct(peak / 0.658 / 5), rated_kw=peak,
    )  # fmt: skip
    for code, above in _TREES[house.metering].items():
        zh, en = _ITEM_NAMES[code]
        kw = peak * (0.6 if len(code) == 1 else 0.35)
        old = code == "C" and len(house.id) % 2 == 0  # an old display with few digits: it wraps every few weeks
        yield Device(
            f"{prefix}.e-{code.lower()}", house.id, gateway, f"e-{code.lower()}", f"{number}号楼{zh}",
            f"building {number} {en}", Category.ELECTRICITY, "kWh", building, code,
            f"{prefix}.e-{above.lower()}" if above else f"{prefix}.e",
            digits=3 if old else 6, ct=_standard_ct(kw / 0.658 / 5), rated_kw=kw,
            covers=tuple(c for c in ITEMS if c.startswith(code)),
        )  # fmt: skip


def _wet_meters(house: House) -> Iterator[Device]:
    """Water, gas and heat of an institution; some heat meters speak MWh, as in the field."""
    gateway = f"{house.id}-w"

    def device(local: str, zh: str, en: str, category: Category, unit: str, **more: Any) -> Device:
        return Device(f"{house.id}.{local}", house.id, gateway, local, zh, en, category, unit, **more)

    yield device("w-main", "总水表", "water main", Category.WATER, "m3", digits=7)
    if house.canteen:
        yield device("w-kitchen", "食堂水表", "kitchen water", Category.WATER, "m3", parent=f"{house.id}.w-main")
        yield device("g-kitchen", "食堂燃气", "kitchen gas", Category.GAS, "m3")
    if len(house.name_zh) % 4 == 0:
        yield device("h-main", "总热表", "heat main", Category.HEAT, "MWh", decimals=3, scale=1 / 3.6)
    else:
        yield device("h-main", "总热表", "heat main", Category.HEAT, "GJ")


def _moved(device: Device, gateway: str) -> Device:
    return replace(device, gateway=gateway)


def _occupancy(house: House) -> Device:
    return Device(
        f"{house.id}.b1.people", house.id, f"{house.id}-g1", "people", "1号楼在室人数", "people in building 1",
        Category.OTHER, "p", f"{house.id}-b1", quantity="occupancy", place=f"building:{house.id}-b1", decimals=0,
    )  # fmt: skip


def _room(house: House) -> Device:
    return Device(
        f"{house.id}.b1.room", house.id, f"{house.id}-g1", "room", "1号楼室温", "a room of building 1",
        Category.OTHER, "degC", f"{house.id}-b1", quantity="temperature", place=f"building:{house.id}-b1", decimals=1,
    )  # fmt: skip


def _weather(house: House) -> Iterator[Device]:
    for region in REGIONS:
        for local, zh, en, unit, quantity in (
            ("t", "气温", "outdoor temperature", "degC", "temperature"),
            ("rh", "相对湿度", "relative humidity", "%", "humidity"),
        ):
            yield Device(
                f"wx.{region.code}.{local}", house.id, "sl-weather", f"{region.code}-{local}", f"{region.name_zh}{zh}",
                en, Category.OTHER, unit, quantity=quantity, place=f"region:{region.code}", decimals=1,
            )  # fmt: skip


def _peak_kw(house: House, area_m2: float) -> float:
    """What the feed is laid out for: connected load with the usual reserve."""
    p = house.profile
    watts = p.light_base + p.light + p.fans + 8 * p.cooling + p.lifts + p.pumps + p.servers + p.kitchen
    return round(watts * area_m2 / 1000 * 1.3, -1) or 10.0


def _standard_ct(ratio: float) -> float:
    return float(next((ct for ct in _CT if ct >= ratio), _CT[-1]))
