"""Whose a row of a sheet is: what exports show of it, and who may bring it in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from api.scope import Action, Scope
from energy.errors import ImportRefused, NotInRegistry
from energy.registry import Snapshot, formula
from energy.registry.cells import BadCell, clean_text
from energy.registry.sheets import SHEETS

Row = Mapping[str, object]
Sheets = Mapping[str, Sequence[Row]]

_OF_INSTITUTIONS: Final = (
    "departments", "sites", "buildings", "gateways", "meters", "sensors", "calendars", "findings", "tasks",
    "target_rules",
)  # fmt: skip
_OWNER: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "regions": ("region", "code"),
        "institutions": ("institution", "id"),
        **dict.fromkeys(("swaps", "corrections", "bills"), ("meter", "meter")),
        **dict.fromkeys(_OF_INSTITUTIONS, ("institution", "institution")),
    }
)
"""Level and column of whose a row is; sheets with columns `scope` and `id` say it themselves, all others are shared."""

_SCOPED: Final = ("denominators", "targets", "tariff_uses", "calorific_values", "heating_seasons", "stages")
_PUBLIC: Final = ("quotas", "tariffs")
_ACTION: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "bills": Action.BILL,
        "targets": Action.APPROVE,
        "target_rules": Action.APPROVE,
        "quotas": Action.APPROVE,
        "corrections": Action.APPROVE,
        **dict.fromkeys(
            ("findings", "finding_events", "stages", "runs", "tasks", "task_events", "task_files"), Action.ADMINISTER
        ),
    }
)


def is_visible(scope: Scope, sheet: str, row: Row) -> bool:
    """True if an export of this scope holds the row."""
    if scope.is_whole or sheet in _PUBLIC:
        return True
    owner = _owner(sheet, row)
    return owner is not None and scope.sees(*owner)


def require_may_import(scope: Scope, sheets: Sheets) -> None:
    """Forbidden or ImportRefused unless the caller may bring in all of these rows: theirs now, theirs afterwards."""
    for sheet in sheets:
        scope.require(_ACTION.get(sheet, Action.IMPORT))
    if scope.is_whole:
        return
    new = {_text(row.get("id")) for row in sheets.get("institutions", ())} - scope.snapshot.institutions.keys()
    problems = [
        f"sheet {sheet}, row {number}, column {column}: expected something of yours, came {value!r}"
        for sheet, rows in sheets.items()
        for number, row in enumerate(rows, 2)
        for column, value in _foreign(scope, sheet, row, new)
    ]
    if problems:
        raise ImportRefused(problems)


def _foreign(scope: Scope, sheet: str, row: Row, new: set[str]) -> Iterator[tuple[str, str]]:
    """Columns of a row that name what the caller does not see."""
    owner = _owner(sheet, row)
    if sheet not in SHEETS or (owner is None and sheet not in _OWNER):
        yield "-", sheet  # shared by all: only who sees everything may change it
        return
    for column, level, value in _named(sheet, row):
        exists = value in _things(scope.snapshot)[level]
        may_be_new = level != "institution" or value in new
        if not (_sees(scope, level, value) if exists else may_be_new):
            yield column, value
    if sheet == "regions" and not _sees(scope, "region", _text(row.get("parent"))):
        yield "parent", _text(row.get("parent"))
    if sheet == "institutions" and "region" in row and not _sees(scope, "region", _text(row["region"])):
        yield "region", _text(row["region"])


def _named(sheet: str, row: Row) -> Iterator[tuple[str, str, str]]:
    """(column, level, id) of everything a row names, itself included."""
    refers = {column.name: column.refers for column in SHEETS[sheet].columns if column.refers}
    if sheet in ("regions", "institutions", "sites", "buildings", "gateways", "meters", "sensors"):
        refers[SHEETS[sheet].key[0]] = "meters" if sheet == "sensors" else sheet
    for column, noun in refers.items():
        if value := _text(row.get(column)):
            yield column, noun.removesuffix("s"), value
    if sheet in _SCOPED:
        yield "id", _text(row.get("scope")), _text(row.get("id"))
    level, _, place = _text(row.get("place")).partition(":")
    if sheet == "sensors" and place:
        yield "place", level, place
    if sheet == "meters":
        for term in _terms(_text(row.get("formula"))):
            yield "formula", "meter", term


def _terms(text: str) -> list[str]:
    try:
        return [term.meter for term in formula.parse(text)]
    except ValueError:
        return []  # the import says what is wrong with it


def _things(snapshot: Snapshot) -> Mapping[str, Mapping[str, object]]:
    known: dict[str, Mapping[str, object]] = {
        "region": snapshot.regions,
        "institution": snapshot.institutions,
        "site": snapshot.sites,
        "building": snapshot.buildings,
        "gateway": snapshot.gateways,
        "meter": snapshot.meters,
    }
    return _OrNothing(known)


class _OrNothing(dict[str, Mapping[str, object]]):
    """A level that does not exist has nothing in it; the import says so."""

    def __missing__(self, level: str) -> Mapping[str, object]:
        return {}


def _sees(scope: Scope, level: str, value: str) -> bool:
    if level == "site":
        site = scope.snapshot.sites.get(value)
        return site is not None and site.institution in scope.institutions
    if level == "gateway":
        gateway = scope.snapshot.gateways.get(value)
        return gateway is not None and gateway.institution in scope.institutions
    try:
        return scope.sees(level, value)
    except (ValueError, NotInRegistry):
        return False


def _owner(sheet: str, row: Row) -> tuple[str, str] | None:
    if sheet in _SCOPED:
        level = _text(row.get("scope"))
        return (level, _text(row.get("id"))) if level in ("region", "institution", "building", "meter") else None
    found = _OWNER.get(sheet)
    return None if found is None else (found[0], _text(row.get(found[1])))


def _text(cell: object) -> str:
    """A cell as the import will read it; a cell it will refuse names nothing."""
    try:
        return clean_text(cell)
    except BadCell:
        return ""
