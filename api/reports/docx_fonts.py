"""The font inside a DOCX file, obfuscated as ECMA-376 asks, and what stands in for fonts that a computer lacks.

Tables, captions and notes are set in the font that travels with the file, cut down to the characters of the paper. The
fonts of official papers (小标宋, 仿宋, 楷体) are sold with office programs and may not be passed on: the font table
names for each what may stand in for it, the embedded one last.

References
----------
ECMA-376-1:2016, 17.8.1 "Font Embedding" (the first 32 bytes are combined with the key) and 17.8.3.1 "altName".
"""

from __future__ import annotations

import io
import uuid
from typing import Final

from docx.document import Document as Paper
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import nsdecls, qn
from fontTools import subset
from fontTools.ttLib import TTFont

from api.reports import fonts

EMBEDDED: Final = "Noto Sans SC"
_STAND_INS: Final = {
    "方正小标宋简体": ("FZXiaoBiaoSong-B05S", "方正小标宋_GBK", "宋体", "SimSun", "Noto Serif CJK SC"),
    "仿宋_GB2312": ("FangSong_GB2312", "仿宋", "FangSong", "STFangsong"),
    "楷体_GB2312": ("KaiTi_GB2312", "楷体", "KaiTi", "STKaiti"),
    "黑体": ("SimHei", "STHeiti", "Noto Sans CJK SC"),
    "宋体": ("SimSun", "STSong", "Noto Serif CJK SC"),
}
_CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.obfuscatedFont"
_OBFUSCATED: Final = 32


def embed(paper: Paper) -> None:
    """Put the font into a finished paper, and the names of stand-ins beside it."""
    data = cut_down("".join(node.text or "" for node in paper.element.body.iter(qn("w:t"))) + "—0123456789 ")
    key = uuid.uuid5(uuid.NAMESPACE_OID, data.hex())  # the same paper, the same file
    table = paper.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)
    part = Part(PackURI("/word/fonts/font1.odttf"), _CONTENT_TYPE, obfuscated(data, key), table.package)
    relation = table.relate_to(part, RELATIONSHIP_TYPE.FONT)
    table._blob = _font_table(relation, key).encode()
    settings = paper.settings.element
    for place, tag in enumerate(("w:embedTrueTypeFonts", "w:saveSubsetFonts"), 1):  # behind w:zoom, as the schema asks
        settings.insert(place, OxmlElement(tag))


def cut_down(text: str) -> bytes:
    """The shipped font with the characters of a text alone."""
    options = subset.Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    with TTFont(fonts.path(fonts.REGULAR), lazy=True) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(text=text)
        cutter.subset(font)
        out = io.BytesIO()
        font.save(out)
    return out.getvalue()


def obfuscated(data: bytes, key: uuid.UUID) -> bytes:
    """The font with its head combined with the key; once more, and it is the font again."""
    mask = (key.bytes[::-1] * 2)[:_OBFUSCATED]
    return bytes(a ^ b for a, b in zip(data, mask, strict=False)) + data[_OBFUSCATED:]


def _font_table(relation: str, key: uuid.UUID) -> str:
    named = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{",".join((*others, EMBEDDED))}"/><w:charset w:val="86"/></w:font>'
        for name, others in _STAND_INS.items()
    )
    own = (
        f'<w:font w:name="{EMBEDDED}"><w:charset w:val="86"/><w:family w:val="swiss"/><w:pitch w:val="variable"/>'
        f'<w:embedRegular r:id="{relation}" w:fontKey="{{{str(key).upper()}}}" w:subsetted="true"/></w:font>'
    )
    return f"<?xml version='1.0' encoding='UTF-8' standalone='yes'?><w:fonts {nsdecls('w', 'r')}>{named}{own}</w:fonts>"
