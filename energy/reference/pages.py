"""The page of the reference tables, made from the tables: what unsure rows say is marked 待核实 (to be checked)."""

from __future__ import annotations

from collections.abc import Iterable

from energy.reference.lookup import indicators
from energy.reference.rows import CaliberRow, Coefficient, Holiday, Sourced
from energy.reference.tables import TABLES, table

_HEAD = """# Reference tables

Whatever a law, a standard or a notice can change is a dated row with its source in `energy/reference/*.csv`; a question
without a row has no answer, never a default. Confidence: `seen` read in a published text or public file, `sure`
well-known content that was not read again, `unsure` to be checked in the official text. Unsure values are marked
**待核实** here and on every screen, and are never called official. This page is made by `scripts/write-docs`.
"""


def reference_page() -> str:
    """Markdown of the indicators, calibers, coefficients, published holidays, and of all tables."""
    return "\n".join([_HEAD, *_tables(), *_indicators(), *_calibers(), *_coefficients(), *_holidays()]) + "\n"


def _grid(title: str, columns: str, rows: Iterable[Iterable[object]]) -> list[str]:
    names = columns.split(" | ")
    lines = [
        "| " + " | ".join("" if cell is None else str(cell).replace("|", "/") for cell in row) + " |" for row in rows
    ]
    return [f"## {title}\n", f"| {columns} |", "|" + "---|" * len(names), *lines, ""]


def _mark(row: Sourced) -> str:
    return str(row.confidence) if row.is_official else f"{row.confidence} **待核实**"


def _tables() -> list[str]:
    rows = (
        (
            f"`{name}.csv`",
            (shape.row.__doc__ or "").partition("\n")[0],
            len(table(name, shape.row)),
            ", ".join(shape.key),
        )
        for name, shape in TABLES.items()
    )
    return _grid("Tables", "file | a row is | rows | unique by", rows)


def _indicators() -> list[str]:
    rows = (
        (f"`{r.key}`", r.name_zh, r.name_en, r.unit, r.formula, r.denominator, r.standard, _mark(r))
        for r in indicators().values()
    )
    return _grid("Indicators", "key | 中文 | English | unit | formula | denominator | standard | confidence", rows)


def _calibers() -> list[str]:
    rows = (
        (f"`{r.key}`", r.name_zh, r.unit, r.standard, r.year, r.electricity, r.gas, r.note, r.source, _mark(r))
        for r in table("calibers", CaliberRow)
    )
    return _grid(
        "Calibers (口径)",
        "key | 中文 | unit | standard | year | electricity | gas | note | source | confidence",
        rows,
    )


def _coefficients() -> list[str]:
    rows = (
        (f"`{r.key}`", r.name_zh, r.coefficient, r.coefficient_unit, r.caliber, r.note, r.source, _mark(r))
        for r in table("coefficients", Coefficient)
    )
    return _grid("Coefficients (折标系数)", "key | 中文 | value | unit | caliber | note | source | confidence", rows)


def _holidays() -> list[str]:
    years: dict[tuple[int, str], list[Holiday]] = {}
    for row in table("holidays_cn", Holiday):
        years.setdefault((row.date.year, row.source), []).append(row)
    rows = (
        (year, source, sum(r.kind == "holiday" for r in days), sum(r.kind == "workday" for r in days), _mark(days[0]))
        for (year, source), days in years.items()
    )
    return _grid("China's published holidays", "year | notice | days off | 调休 workdays | confidence", rows)
