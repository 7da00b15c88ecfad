"""Who lives in 示例省: a province that does not exist, with region codes 99xxxx that no real place has.

Every name, area and head count here is invented. Nothing of it may be read as a figure of a real institution.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from simulators.shapes import PROFILES, Profile

ZONE: Final = "Asia/Shanghai"
Metering = Literal["items", "subs", "full"]


@dataclass(frozen=True, slots=True)
class Region:
    """A node of the administrative tree, with how its weather differs from the province's."""

    code: str
    name_zh: str
    name_en: str
    parent: str
    climate_zone: str
    warmer_c: float = 0.0


REGIONS: Final = (
    Region("990000", "示例省", "Shili Province (fictitious)", "", "寒冷A"),
    Region("990100", "甲州市", "Jiazhou City (fictitious)", "990000", "寒冷A"),
    Region("990101", "甲东区", "Jiadong District (fictitious)", "990100", "寒冷A", 0.3),
    Region("990102", "甲西区", "Jiaxi District (fictitious)", "990100", "寒冷A", 0.0),
    Region("990103", "甲河县", "Jiahe County (fictitious)", "990100", "寒冷A", -0.8),
    Region("990200", "乙州市", "Yizhou City (fictitious)", "990000", "寒冷B", 1.6),
    Region("990201", "乙南区", "Yinan District (fictitious)", "990200", "寒冷B", 1.9),
    Region("990202", "乙北县", "Yibei County (fictitious)", "990200", "寒冷B", 1.2),
    Region("990203", "乙山县", "Yishan County (fictitious)", "990200", "寒冷B", 0.9),
)


@dataclass(frozen=True, slots=True)
class House:
    """An institution as the simulator knows it."""

    id: str
    name_zh: str
    name_en: str
    region: str
    type: str
    tier: str
    quota_class: str
    profile_key: str
    letter: str
    area_m2: float
    users: int
    buildings: int = 1
    metering: Metering = "items"
    counts: dict[str, float] = field(default_factory=dict)
    department: str = ""
    canteen: bool = False

    @property
    def profile(self) -> Profile:
        """How people live in it."""
        return PROFILES[self.profile_key]


def _house(
    key: str,
    zh: str,
    en: str,
    region: str,
    kind: tuple[str, str, str, str, str],
    area: float,
    users: int,
    **more: Any,
) -> House:
    type_, tier, quota_class, profile, letter = kind
    return House(key, zh, f"{en} (fictitious)", region, type_, tier, quota_class, profile, letter, area, users, **more)


_PROVINCE_OFFICE = ("01", "省级", "党政机关", "office", "A")
_CITY_OFFICE = ("01", "市级", "党政机关", "office", "A")
_COUNTY_OFFICE = ("01", "县级", "党政机关", "office", "A")
_COUNTY_SCHOOL = ("021", "县级", "中小学校", "school", "D")
_UNIVERSITY = ("021", "省级", "高等学校", "university", "D")
_HOSPITAL_3 = ("024", "三级", "医院", "hospital", "E")
_HOSPITAL_2 = ("024", "二级", "医院", "hospital", "E")
_LAB = ("022", "省级", "科研机构", "laboratory", "H")
_LIBRARY = ("023", "市级", "图书馆", "library", "D")
_MUSEUM = ("023", "县级", "文化馆", "library", "D")
_SPORTS = ("025", "市级", "体育场馆", "sports", "F")
_HALL = ("026", "市级", "政务服务中心", "hall", "G")
_SOCIETY = ("03", "市级", "社会团体", "office", "A")

HOUSES: Final = (
    _house("sl-jgsw", "示例省机关事务管理局", "Shili Government Offices Administration", "990000", _PROVINCE_OFFICE,
           26_000, 820, buildings=2, metering="full", canteen=True, department="示例省机关事务管理局"),
    _house("jz-yy1", "甲州市第一人民医院", "Jiazhou First People's Hospital", "990100", _HOSPITAL_3,
           64_000, 3_900, buildings=2, metering="subs", canteen=True,
           counts={"bed_days": 401_500, "outpatients": 986_000}),
    _house("sl-dx", "示例大学", "Shili University", "990100", _UNIVERSITY,
           92_000, 11_200, buildings=4, canteen=True, counts={"students": 10_100, "staff": 1_100}),
    _house("jz-jgsw", "甲州市机关事务服务中心", "Jiazhou Government Offices Centre", "990100", _CITY_OFFICE,
           31_000, 960, buildings=2, metering="subs", canteen=True),
    _house("yz-jgsw", "乙州市机关事务服务中心", "Yizhou Government Offices Centre", "990200", _CITY_OFFICE,
           22_500, 700, buildings=2, metering="subs", canteen=True),
    _house("jz-fy", "甲州市示例法院", "Jiazhou Sample Court", "990100", _CITY_OFFICE,
           14_200, 330, metering="full", canteen=True),
    _house("jd-zf", "甲东区政府大院", "Jiadong District Government", "990101", _COUNTY_OFFICE,
           12_400, 410, metering="subs", canteen=True),
    _house("jx-zf", "甲西区政府大院", "Jiaxi District Government", "990102", _COUNTY_OFFICE,
           10_800, 380, metering="subs", canteen=True),
    _house("jh-zf", "甲河县政府大院", "Jiahe County Government", "990103", _COUNTY_OFFICE, 8_600, 300, canteen=True),
    _house("yn-zf", "乙南区政府大院", "Yinan District Government", "990201", _COUNTY_OFFICE,
           11_500, 390, metering="subs", canteen=True),
    _house("yb-zf", "乙北县政府大院", "Yibei County Government", "990202", _COUNTY_OFFICE, 7_400, 260),
    _house("ys-sw", "乙山县示例税务局", "Yishan Sample Tax Office", "990203", _COUNTY_OFFICE, 3_900, 96),
    _house("jz-zx", "甲州示例中学", "Jiazhou Sample Middle School", "990101", _COUNTY_SCHOOL,
           18_200, 2_150, buildings=2, metering="items", canteen=True, counts={"students": 1_980, "staff": 170}),
    _house("yz-xx", "乙南示例小学", "Yinan Sample Primary School", "990201", _COUNTY_SCHOOL,
           9_100, 1_240, counts={"students": 1_160, "staff": 80}),
    _house("jh-xx", "甲河示例学校", "Jiahe Sample School", "990103", _COUNTY_SCHOOL,
           7_800, 980, counts={"students": 910, "staff": 70}),
    _house("yz-zy", "乙州示例职业学院", "Yizhou Sample College", "990200", _UNIVERSITY,
           41_000, 5_300, buildings=2, metering="subs", canteen=True, counts={"students": 4_900, "staff": 400}),
    _house("yz-yy1", "乙州市示例医院", "Yizhou Sample Hospital", "990200", _HOSPITAL_3,
           38_000, 2_300, buildings=2, metering="subs", canteen=True,
           counts={"bed_days": 240_900, "outpatients": 610_000}),
    _house("yb-yy", "乙北县示例医院", "Yibei Sample Hospital", "990202", _HOSPITAL_2,
           15_500, 820, metering="full", canteen=True, counts={"bed_days": 91_250, "outpatients": 208_000}),
    _house("jh-yy", "甲河县示例医院", "Jiahe Sample Hospital", "990103", _HOSPITAL_2,
           13_200, 760, metering="subs", counts={"bed_days": 80_300, "outpatients": 187_000}),
    _house("sl-nky", "示例省农业科学研究所", "Shili Agricultural Research Institute", "990102", _LAB,
           16_800, 420, metering="full", canteen=True),
    _house("yz-jc", "乙州示例检测研究院", "Yizhou Sample Testing Institute", "990201", _LAB, 6_900, 150),
    _house("jz-tsg", "甲州示例图书馆", "Jiazhou Sample Library", "990101", _LIBRARY, 19_500, 640, metering="subs"),
    _house("ys-whg", "乙山县示例文化馆", "Yishan Sample Cultural Centre", "990203", _MUSEUM, 4_600, 110),
    _house("jz-tyg", "甲州示例体育馆", "Jiazhou Sample Sports Hall", "990102", _SPORTS, 17_400, 520, metering="subs"),
    _house("yz-tyg", "乙州示例体育中心", "Yizhou Sample Sports Centre", "990201", _SPORTS, 12_100, 310),
    _house("jz-zwdt", "甲州市示例政务服务中心", "Jiazhou Sample Service Hall", "990100", _HALL,
           13_600, 480, metering="subs"),
    _house("yz-zwdt", "乙州市示例政务服务中心", "Yizhou Sample Service Hall", "990200", _HALL, 9_800, 360),
    _house("jz-gh", "甲州示例总工会", "Jiazhou Sample Trade Union", "990100", _SOCIETY, 6_200, 140),
    _house("yz-kx", "乙州示例科协", "Yizhou Sample Science Association", "990200", _SOCIETY, 4_100, 90),
)  # fmt: skip
