"""Questions to InfluxDB, as Grafana sends them: the only place of the dashboards that knows InfluxQL.

Every name is looked up in `energy.storage.schema` when the query is made, so a field that nobody writes cannot reach
a dashboard. What a viewer chose enters as `${name:raw}` inside quotes or `${name:regex}` inside a pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Final, Self

from energy.storage.schema import Measurement

RANGE: Final = "$timeFilter"
"""The time range chosen at the top of the dashboard."""
EVER: Final = "time >= 0"
"""All time: for the directory, which has no history."""
STEP: Final = "$__interval"
"""The distance of points that fits the width of the panel."""


def back(days: int) -> str:
    """The days before the end of the chosen range, whatever its beginning: months, years, newest rows."""
    return f"time > ${{__to}}ms - {days}d AND time <= ${{__to}}ms"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer: `Column("last({value}) / 1000", "tce")`; fields and tags stand in braces."""

    template: str
    name: str

    @property
    def asked(self) -> tuple[str, ...]:
        """Fields and tags that the column is made of."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.template) if name)

    def __str__(self) -> str:
        return f'{self.template.format_map(_Quoting())} AS "{self.name}"'

    @classmethod
    def of(cls, name: str) -> Self:
        """A field or tag as it is stored."""
        return cls(f"{{{name}}}", name)

    @classmethod
    def newest(cls, field: str, name: str | None = None) -> Self:
        """The newest value of a field."""
        return cls(f"last({{{field}}})", name or field)


class _Quoting(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f'"{name}"'


@dataclass(frozen=True, slots=True)
class Where:
    """One condition on a tag or field."""

    name: str
    test: str

    def __str__(self) -> str:
        return f'"{self.name}" {self.test}'


def equal(name: str, value: str) -> Where:
    """The tag or text has this value; `$region` stands for what the viewer chose."""
    return Where(name, f"= '{_chosen(value, 'raw')}'")


def unequal(name: str, value: str) -> Where:
    """The tag or text has another value."""
    return Where(name, f"!= '{_chosen(value, 'raw')}'")


def among(name: str, *values: str) -> Where:
    """The tag or text is one of these, or one of those chosen in a variable."""
    chosen = [_chosen(v, "regex") if v.startswith("$") else re.escape(v) for v in values]
    return Where(name, f"=~ /^({'|'.join(chosen)})$/")


def fits(name: str, variable: str) -> Where:
    """The text fits the pattern that the viewer chose: one value, or `.*`."""
    return Where(name, f"=~ /^({_chosen(variable, 'raw')})$/")


def below(name: str, variable: str) -> Where:
    """The region code lies in the subtree whose prefix the viewer chose."""
    return Where(name, f"=~ /^{_chosen(variable, 'raw')}/")


def is_region(name: str, variable: str) -> Where:
    """The region code is that of the chosen prefix itself: the prefix and then only pairs of zeros."""
    return Where(name, f"=~ /^{_chosen(variable, 'raw')}(00)*$/")


def at_least(field: str, value: float) -> Where:
    """The number is at least this."""
    return Where(field, f">= {value:g}")


def _chosen(value: str, form: str) -> str:
    return f"${{{value[1:]}:{form}}}" if value.startswith("$") else value


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT of a measurement, or of the answer of another one."""

    source: Measurement | Select
    columns: tuple[Column, ...]
    where: tuple[Where, ...] = ()
    span: str = RANGE
    group: tuple[str, ...] = ()
    every: str | None = None

    def __post_init__(self) -> None:
        asked = {name for column in self.columns for name in column.asked}
        unknown = (asked | {w.name for w in self.where} | set(self.group)) - self._known()
        if unknown:
            raise ValueError(f"{self._subject()}: expected one of {sorted(self._known())}, came {sorted(unknown)}")

    def _known(self) -> set[str]:
        if isinstance(self.source, Select):
            return {column.name for column in self.source.columns} | set(self.source.group)
        return {*self.source.tags, *self.source.all_fields}

    def _subject(self) -> str:
        return "inner query" if isinstance(self.source, Select) else self.source.name

    def __str__(self) -> str:
        source = f"({self.source})" if isinstance(self.source, Select) else f'"{self.source.name}"'
        text = f"SELECT {', '.join(map(str, self.columns))} FROM {source}"  # noqa: S608  # names are the schema's
        has_own_time = not isinstance(self.source, Select) or self.every is not None
        conditions = [*map(str, self.where), *([self.span] if has_own_time else [])]
        if conditions:
            text += f" WHERE {' AND '.join(conditions)}"
        groups = [*([f"time({self.every})"] if self.every else []), *(f'"{name}"' for name in self.group)]
        if groups:
            text += f" GROUP BY {', '.join(groups)}"
        return text + (" fill(null)" if self.every else "")


def select(
    source: Measurement | Select,
    *columns: Column | str,
    where: tuple[Where, ...] = (),
    span: str = RANGE,
    group: tuple[str, ...] = (),
    every: str | None = None,
) -> Select:
    """A query; a plain name stands for the stored field or tag itself."""
    made = tuple(Column.of(column) if isinstance(column, str) else column for column in columns)
    return Select(source, made, where, span, group, every)
