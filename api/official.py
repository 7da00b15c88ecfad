"""Official words of classes, tiers and climate zones, which registry and standards hold in Chinese alone."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

OFFICIAL: Final = MappingProxyType(
    {
        "党政机关": ("党政机关", "Party and government organs"),
        "机关": ("机关", "government organs"),
        "省级以上机关": ("省级以上机关", "organs at province level and above"),
        "市级以下机关": ("市级以下机关", "organs at city level and below"),
        "政务服务中心": ("政务服务中心", "government service halls"),
        "高等学校": ("高等学校", "universities and colleges"),
        "中小学校": ("中小学校", "schools"),
        "教育机构": ("教育机构", "education"),
        "科研机构": ("科研机构", "research institutes"),
        "医院": ("医院", "hospitals"),
        "医疗机构": ("医疗机构", "health care"),
        "图书馆": ("图书馆", "libraries"),
        "文化馆": ("文化馆", "cultural centres"),
        "体育场馆": ("体育场馆", "sports venues"),
        "场馆": ("场馆", "venues"),
        "社会团体": ("社会团体", "social organisations"),
        "省级": ("省级", "province level"),
        "市级": ("市级", "city level"),
        "县级": ("县级", "county level"),
        "三级": ("三级", "grade 3"),
        "二级": ("二级", "grade 2"),
        "严寒": ("严寒", "severe cold"),
        "寒冷A": ("寒冷A", "cold A"),
        "寒冷B": ("寒冷B", "cold B"),
        "夏热冬冷": ("夏热冬冷", "hot summer, cold winter"),
        "夏热冬暖": ("夏热冬暖", "hot summer, warm winter"),
        "温和": ("温和", "mild"),
    }
)
"""By the official word: Chinese, English."""
