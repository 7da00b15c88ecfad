"""What must hold of bills, corrections, tariffs, quotas and targets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from energy.errors import UnitError
from energy.registry.book import Book
from energy.registry.columns import Key
from energy.units import linear


def corrections(book: Book) -> None:
    """A correction has a span, and a value exactly where its kind needs one."""
    for key, row in book.sheet("corrections").items():
        if row["end"] <= row["start"]:
            book.refuse("corrections", key, "end", "an instant after start", row["end"])
        if (row["value"] is None) != (row["kind"] == "discard"):
            expected = "no value for kind discard" if row["kind"] == "discard" else f"a value for kind {row['kind']}"
            book.refuse("corrections", key, "value", expected, row["value"])


def bills(book: Book) -> None:
    """A bill belongs to a meter of kind manual, in a unit of it, and no day to two bills."""
    by_meter: dict[str, list[Key]] = defaultdict(list)
    for key, row in book.sheet("bills").items():
        by_meter[row["meter"]].append(key)
        for column, expected in _bill_faults(book, row):
            book.refuse("bills", key, column, expected, str(row[column]))
    for keys in by_meter.values():
        for a, b in pairwise(sorted(keys)):
            first, second = book.sheet("bills")[a], book.sheet("bills")[b]
            if second["first_day"] <= first["last_day"]:
                at, other = (b, first) if ("bills", b) in book.origin else (a, second)
                span = f"{other['first_day']} .. {other['last_day']}"
                book.refuse("bills", at, "first_day", f"days that are not on another bill ({span})", str(at[1]))


def _bill_faults(book: Book, row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if row["last_day"] < row["first_day"]:
        yield "last_day", f"{row['first_day']} or later"
    meter = book.one("meters", row["meter"])
    if meter is None:
        return
    if meter["kind"] != "manual":
        yield "meter", f"a meter of kind manual, not {meter['kind']}"
    try:
        linear(row["unit"], meter["unit"])
    except UnitError:
        yield "unit", f"a unit that can become the meter's, {meter['unit']}"


def subjects(book: Book) -> None:
    """Targets, stages, tariff uses, calorific values and heating seasons speak of something that exists."""
    for sheet in ("targets", "stages", "tariff_uses", "calorific_values", "heating_seasons"):
        for key, row in book.sheet(sheet).items():
            if not book.knows(f"{row['scope']}s", row["id"]):
                book.refuse(sheet, key, "id", f"an id of sheet {row['scope']}s", row["id"])
    tariffs = {row["tariff"] for row in book.sheet("tariffs").values()}
    tariffs |= {key[0] for key in book.broken.get("tariffs", ())}
    for key, row in book.sheet("tariff_uses").items():
        if row["tariff"] not in tariffs:
            book.refuse("tariff_uses", key, "tariff", "a tariff of sheet tariffs", row["tariff"])


def quotas(book: Book) -> None:
    """A quota states at least one value, in the order constraint >= baseline >= guide."""
    for key, row in book.sheet("quotas").items():
        levels = [row[level] for level in ("constraint", "baseline", "guide") if row[level] is not None]
        if not levels:
            book.refuse("quotas", key, "constraint", "at least one of constraint, baseline, guide", None)
        elif levels != sorted(levels, reverse=True):
            book.refuse("quotas", key, "constraint", "constraint >= baseline >= guide", levels)


def targets(book: Book) -> None:
    """An issued target names its document (文号)."""
    for key, row in book.sheet("targets").items():
        if row["state"] == "issued" and not row["document"]:
            book.refuse("targets", key, "document", "the number of the document (文号) of an issued target", None)


_NEEDED: Final = {
    "four_branches": (),
    "five_year_path": ("cut", "base_year", "source"),
    "own_history": ("cut", "source"),
    "towards_peers": (),
}
_ALLOWED: Final = {
    "four_branches": {"cut", "cut_above_baseline", "rise"},
    "five_year_path": {"cut", "base_year", "n_years"},
    "own_history": {"cut", "n_years"},
    "towards_peers": {"cut"},
}
_RATES: Final = ("cut", "cut_above_baseline", "rise", "base_year", "n_years")
_BOUNDS: Final = {"cut": (0.04, 1.0), "cut_above_baseline": (0.02, 1.0), "rise": (0.0, 0.02)}
"""What the notice behind the four branches allows."""


def target_rules(book: Book) -> None:
    """A rule states the rates it cannot do without, and none that it does not know."""
    for key, row in book.sheet("target_rules").items():
        rule = row["rule"]
        for column in _NEEDED[rule]:
            if row[column] in (None, ""):
                book.refuse("target_rules", key, column, f"a value: rule {rule} has none of its own", None)
        for column in _RATES:
            if row[column] is not None and column not in _ALLOWED[rule]:
                book.refuse("target_rules", key, column, f"nothing: rule {rule} does not know it", row[column])
        for column, (least, most) in _BOUNDS.items() if rule == "four_branches" else ():
            if row[column] is not None and not least <= row[column] <= most:
                book.refuse("target_rules", key, column, f"{least} to {most}, as the notice allows", row[column])


DECISION_CHECKS = (corrections, bills, subjects, quotas, targets, target_rules)
