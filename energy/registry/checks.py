"""What must hold between rows: references, trees without circles, validities apart, meters that make sense.

Each check looks at the whole book, because an import may also break rows that it does not bring.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from energy.model import Category, MeterKind, UsedBy, ValueKind
from energy.registry import formula
from energy.registry.book import Book
from energy.registry.codes import is_item
from energy.registry.columns import Key, overlaps
from energy.registry.decision_checks import DECISION_CHECKS
from energy.registry.sheets import SHEETS
from energy.units import CANONICAL, unit

Check = Callable[[Book], None]

AREA_KINDS: Final = ("floor_area", "heated_area")
_SENSOR_UNITS: Final = {
    "temperature": "temperature", "humidity": "share", "occupancy": "count", "power": "power",
}  # fmt: skip
_PLACES: Final = {"building": "buildings", "site": "sites", "region": "regions"}


def references(book: Book) -> None:
    """Whatever a row names exists, in the file or in the registry."""
    for sheet in SHEETS.values():
        named = [column for column in sheet.columns if column.refers]
        for key, row in book.sheet(sheet.name).items():
            for column in named:
                value = row[column.name]
                if value is not None and not book.knows(column.refers or "", value):
                    book.refuse(sheet.name, key, column.name, f"an id of sheet {column.refers}", value)


def trees(book: Book) -> None:
    """Nobody is part of itself, over however many steps."""
    for sheet in ("regions", "institutions", "meters"):
        parents = {key[0]: [row["parent"]] for key, row in book.sheet(sheet).items() if row["parent"] is not None}
        for member in _in_circle(parents):
            book.refuse(sheet, (member,), "parent", "a parent that is not part of its own child", parents[member][0])


def _in_circle(edges: Mapping[Any, Sequence[Any]]) -> list[Any]:
    """Nodes on a circle of edges: what is left after peeling off, again and again, ends and beginnings."""
    backwards: dict[Any, list[Any]] = defaultdict(list)
    for node, targets in edges.items():
        for target in targets:
            backwards[target].append(node)
    leading_in = _peeled(edges, backwards)
    inner = {node: [t for t in edges[node] if t in leading_in] for node in leading_in}
    return sorted(_peeled({node: [s for s in backwards[node] if s in inner] for node in inner}, inner))


def _peeled(edges: Mapping[Any, Sequence[Any]], backwards: Mapping[Any, Sequence[Any]]) -> set[Any]:
    """Nodes from which one can walk for ever."""
    waiting = {node: len(targets) for node, targets in edges.items()}
    free = [node for node in {*edges, *backwards} if not waiting.get(node)]
    while free:
        for node in backwards.get(free.pop(), ()):
            waiting[node] -= 1
            if waiting[node] == 0:
                free.append(node)
    return {node for node, left in waiting.items() if left > 0}


def meters(book: Book) -> None:
    """A meter's unit, gateway, parent and validity fit together."""
    for key, row in book.sheet("meters").items():
        for column, expected in _meter_faults(book, row):
            book.refuse("meters", key, column, expected, row[column])


def _meter_faults(book: Book, row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield from _unit_faults(row)
    yield from _gateway_faults(book, row)
    if row["item"] and row["category"] == Category.ELECTRICITY and not is_item(row["item"]):
        yield "item", "an electricity item of the official codes, like A, B1 or B2A"
    parent = book.one("meters", row["parent"])
    if parent is not None and parent["category"] != row["category"]:
        yield "parent", f"a meter of the same category, {row['category']}, not {parent['category']}"
    if row["kind"] != "physical" and row["gateway"] is not None:
        yield "gateway", f"no gateway for a {row['kind']} meter"
    if row["used_by"] == UsedBy.OTHERS and row["kind"] == MeterKind.VIRTUAL:
        yield "used_by", "self for a virtual meter: what is left out has a meter of its own; mark those it sums"
    if row["digits"] is not None and row["value_kind"] != ValueKind.REGISTER:
        yield "digits", f"digits for a register only, not for a {row['value_kind']}"
    if row["active_from"] is not None and row["active_to"] is not None and row["active_to"] <= row["active_from"]:
        yield "active_to", f"a day after active_from {row['active_from']}"


def _unit_faults(row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    category, quantity = Category(row["category"]), unit(row["unit"]).quantity
    wanted = {unit(CANONICAL[category]).quantity}
    if category is Category.GAS:
        wanted.add("energy")  # becomes m3 by a dated calorific value; without one it stays unknown
    if row["value_kind"] == ValueKind.MEASUREMENT:
        wanted = {"power"}
    if quantity not in wanted:
        yield "unit", f"a unit of {' or '.join(sorted(wanted))} ({category}, {row['value_kind']})"


def _gateway_faults(book: Book, row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if (row["gateway"] is None) != (row["local"] is None):
        yield "local", "gateway and local name together, or neither"
    gateway = book.one("gateways", row["gateway"])
    if gateway is not None and gateway["institution"] != row["institution"]:
        yield "gateway", f"a gateway of institution {row['institution']}, not of {gateway['institution']}"


def sensors(book: Book) -> None:
    """A sensor's unit fits its quantity, its place exists, its gateway is its institution's."""
    for key, row in book.sheet("sensors").items():
        wanted = _SENSOR_UNITS.get(row["quantity"])
        if wanted is not None and unit(row["unit"]).quantity != wanted:
            book.refuse("sensors", key, "unit", f"a unit of {wanted} for {row['quantity']}", row["unit"])
        scope, _, identity = row["place"].partition(":")
        if not book.knows(_PLACES[scope], identity):
            book.refuse("sensors", key, "place", f"an id of sheet {_PLACES[scope]} after '{scope}:'", row["place"])
        for column, expected in _gateway_faults(book, row):
            book.refuse("sensors", key, column, expected, row[column])


def device_names(book: Book) -> None:
    """An id means one device, and a local name one device of its gateway, meters and sensors taken together."""
    seen: dict[tuple[str, str], tuple[str, Key]] = {}
    for sheet in ("meters", "sensors"):
        for key, row in book.sheet(sheet).items():
            if sheet == "sensors" and key in book.sheet("meters"):
                book.refuse(sheet, key, "id", "an id that no meter has", key[0])
            if row["gateway"] is None or row["local"] is None:
                continue
            first, first_key = seen.setdefault((row["gateway"], row["local"]), (sheet, key))
            if (first, first_key) != (sheet, key):
                # Said at the row of the file, wherever the older one stands.
                at, other = ((sheet, key), first_key) if (sheet, key) in book.origin else ((first, first_key), key)
                expected = f"a local name that no other device of gateway {row['gateway']} has ({other[0]} has it)"
                book.refuse(*at, "local", expected, row["local"])


def formulas(book: Book) -> None:
    """A virtual meter is a sum of existing meters of its category, and of nothing that leads back to it."""
    edges: dict[str, list[str]] = {}
    for key, row in book.sheet("meters").items():
        if (row["kind"] == "virtual") != (row["formula"] is not None):
            expected = formula.EXPECTED if row["kind"] == "virtual" else f"no formula for a {row['kind']} meter"
            book.refuse("meters", key, "formula", expected, row["formula"])
        elif row["formula"] is not None:
            edges[row["id"]] = _formula_meters(book, key, row)
    for member in _in_circle(edges):
        book.refuse("meters", (member,), "formula", "meters that are not computed from this one", edges[member])


def _formula_meters(book: Book, key: Key, row: Mapping[str, Any]) -> list[str]:
    try:
        names = [term.meter for term in formula.parse(row["formula"])]
    except ValueError as exc:
        book.refuse("meters", key, "formula", str(exc), row["formula"])
        return []
    for name in names:
        other = book.one("meters", name)
        if not book.knows("meters", name) or (other is not None and other["category"] != row["category"]):
            book.refuse("meters", key, "formula", f"ids of {row['category']} meters", name)
    return names


def swaps(book: Book) -> None:
    """Only a meter with a register is exchanged in a way that matters."""
    for key, row in book.sheet("swaps").items():
        meter = book.one("meters", row["meter"])
        if meter is not None and meter["value_kind"] != ValueKind.REGISTER:
            book.refuse("swaps", key, "meter", "a meter whose value is a register", row["meter"])


def denominators(book: Book) -> None:
    """A denominator speaks of something that exists, areas are in m2 and not empty."""
    for key, row in book.sheet("denominators").items():
        target = f"{row['scope']}s"
        if not book.knows(target, row["id"]):
            book.refuse("denominators", key, "id", f"an id of sheet {target}", row["id"])
        if row["kind"] in AREA_KINDS and row["unit"] != "m2":
            book.refuse("denominators", key, "unit", "m2 for an area", row["unit"])
        if row["kind"] in AREA_KINDS and row["value"] == 0:
            book.refuse("denominators", key, "value", "an area greater than 0 (leave the row out if unknown)", 0)


def validities(book: Book) -> None:
    """Of one thing there is one row a day: validities [valid_from, valid_to) do not overlap."""
    for sheet in (
        "departments",
        "denominators",
        "tariffs",
        "tariff_uses",
        "calorific_values",
        "heating_seasons",
        "quotas",
        "target_rules",
    ):
        groups: dict[Key, list[Key]] = defaultdict(list)
        for key, row in book.sheet(sheet).items():
            if row["valid_to"] is not None and row["valid_to"] <= row["valid_from"]:
                book.refuse(sheet, key, "valid_to", "a day after valid_from", str(row["valid_to"]))
            groups[key[:-1]].append(key)  # valid_from is the last part of these keys
        rows = book.sheet(sheet)
        for keys in groups.values():
            for a, b in pairwise(sorted(keys)):
                first, second = rows[a], rows[b]
                if overlaps(first["valid_from"], first["valid_to"], second["valid_from"], second["valid_to"]):
                    at, other = (b, first) if (sheet, b) in book.origin else (a, second)
                    span = f"[{other['valid_from']}, {other['valid_to'] or 'open'})"
                    book.refuse(sheet, at, "valid_from", f"a validity apart from {span} of another row", str(at[-1]))


def calendars(book: Book) -> None:
    """A span ends on or after its first day."""
    for key, row in book.sheet("calendars").items():
        if row["date_to"] < row["date_from"]:
            book.refuse("calendars", key, "date_to", f"{row['date_from']} or later", str(row["date_to"]))


CHECKS: tuple[Check, ...] = (
    references, trees, meters, sensors, device_names, formulas, swaps, denominators, validities, calendars,
    *DECISION_CHECKS,
)  # fmt: skip


def check(book: Book) -> None:
    """Run every check; what is wrong is in the book's problems."""
    for one in CHECKS:
        one(book)
