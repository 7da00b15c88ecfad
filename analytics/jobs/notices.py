"""Findings as people meet them: kept in the registry under lasting ids, few new ones a day, shown in the store.

What a person decided is never overwritten. A finding that is found no more is withdrawn, and says so in its history;
one that goes on after it was closed is open again (`analytics.jobs.resumed`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

import numpy as np

from analytics import findings as core
from analytics.detection.kinds import Kind
from analytics.findings import Finding as Found
from analytics.jobs.budget import LEAST_YUAN, OUTDATED, Budget, seen_at, shown_at
from analytics.jobs.outlook import Outlook
from analytics.jobs.resumed import resumed
from analytics.jobs.rows import Writer, table, texts
from analytics.jobs.watch import DETECTOR
from analytics.wording import describe
from energy.intervals import HOUR, LocalCalendar, Window
from energy.registry import Registry, Snapshot
from energy.registry.decisions import Finding
from energy.registry.rows import Region
from energy.series import FloatArray
from energy.storage.schema import FINDING

AUTHOR: Final = "jieneng"
"""Who withdraws and renews findings in their history."""
GONE: Final = "数据更新后不再成立 (not found any more in the data as they are now)"
TIRESOME: Final = "同表同类结论多次被判为误报，不再提示 (people called such findings of this meter false)"
BACK: Final = "数据更新后重新成立 (found again)"
ROOM: Final = "今日有余量，移出等候列表 (there is room to show it today)"
_REGISTER_KINDS: Final = (Kind.STUCK, Kind.GAP_CATCHUP, Kind.OFFLINE)
_ALIKE: Final = 0.5


def publish(
    registry: Registry,
    writer: Writer,
    snapshot: Snapshot,
    calendar: LocalCalendar,
    outlooks: Sequence[Outlook],
    *,
    now: int,
    least_yuan: float = LEAST_YUAN,
) -> dict[str, int]:
    """Bring registry and store up to date with what was found; how many findings are new, withdrawn, shown."""
    counts = {"new": 0, "withdrawn": 0, "shown": 0, "outdated": 0}
    fresh: dict[str, list[Finding]] = {}
    changed = {outlook.institution for outlook in outlooks}
    for outlook in outlooks:
        new, n_gone = _brought_up_to_date(registry, calendar, outlook, now)
        fresh.setdefault(_city(snapshot, outlook.institution), []).extend(new)
        counts["new"] += len(new)
        counts["withdrawn"] += n_gone
    for city, new in fresh.items():
        told = _told(registry, snapshot, calendar, city, new, now=now, least_yuan=least_yuan)
        counts["shown"] += sum(row.state == "open" for row in told)
        counts["outdated"] += sum(row.state == "closed" for row in told)
        changed |= {row.institution for row in told}
    for institution in sorted(changed):
        mirror(registry, writer, institution)
    return counts


def _brought_up_to_date(
    registry: Registry, calendar: LocalCalendar, outlook: Outlook, now: int
) -> tuple[list[Finding], int]:
    """Bring the stored findings of an institution up to date; which are new, and how many are found no more."""
    stored = registry.findings.rows(institution=outlook.institution)
    rows, gone = _compared(outlook, stored)
    known = {row.id: row for row in stored}
    # Before the rows are stored: whether a finding went on shows by how it stood.
    back = resumed(registry, calendar, rows, known)
    back |= {row.id: BACK for row in rows if row.id in known and known[row.id].state == "withdrawn"}
    for name, comment in back.items():
        registry.findings.decide(name, author=AUTHOR, time=now, state="open", comment=comment)
    registry.findings.put([row for row in rows if row.id in known])
    quiet = {row.id for row, _ in _silenced(outlook, gone)}
    for row in gone:
        comment = TIRESOME if row.id in quiet else GONE
        registry.findings.decide(row.id, author=AUTHOR, time=now, state="withdrawn", comment=comment)
    return [row for row in rows if row.id not in known], len(gone)


def _told(
    registry: Registry,
    snapshot: Snapshot,
    calendar: LocalCalendar,
    city: str,
    new: Sequence[Finding],
    *,
    now: int,
    least_yuan: float,
) -> list[Finding]:
    """Store the new findings of a city, show what there is room for, drop what waited for too long; what changed."""
    institutions = list(snapshot.institutions_below(city))
    n_meters = sum(len(snapshot.meters_of(name)) for name in institutions)
    stored = registry.findings.rows(institution=institutions)
    budget = Budget(calendar, core.daily_budget(n_meters), least_yuan)
    budget.count(stored)
    waiting = {row.id: row for row in stored if row.state == "waiting"}
    decided = budget.share_out(new, list(waiting.values()), now)
    changed = [row for row in decided if row.id not in waiting or row.state != "waiting"]
    registry.findings.put(changed)
    for row in changed:
        if row.id in waiting:
            comment = ROOM if row.state == "open" else OUTDATED
            registry.findings.decide(row.id, author=AUTHOR, time=now, state=row.state, comment=comment)
    return changed


def mirror(registry: Registry, writer: Writer, institution: str) -> None:
    """Replace the institution's rows of `finding` by what people were shown and what still holds of it."""
    rows = [row for row in registry.findings.rows(institution=institution) if row.meter is not None and _stands(row)]
    rows = list({(row.meter, row.kind, row.start): row for row in rows}.values())

    def numbers(values: Sequence[float | None]) -> FloatArray:
        return np.array([np.nan if v is None else v for v in values], np.float64)

    found = table(
        FINDING,
        np.array([row.start for row in rows], np.int64),
        {
            "institution": texts([institution] * len(rows)),
            "meter": texts([row.meter for row in rows]),
            "kind": texts([row.kind for row in rows]),
        },
        {
            "end_ms": numbers([None if row.end is None else row.end * 1000.0 for row in rows]),
            "severity": numbers([row.severity for row in rows]),
            "excess": numbers([row.excess for row in rows]),
            "excess_yuan": numbers([row.excess_yuan for row in rows]),
            "open": numbers([float(row.state == "open") for row in rows]),
            **{name: texts([getattr(row, name) for row in rows]) for name in FINDING.texts},
        },
    )
    writer.replace(found, {"institution": [institution]}, Window(0, 2**40))


def _stands(row: Finding) -> bool:
    """False for what waits, left the list unseen, or was withdrawn: a chart would call each of them closed."""
    return row.state != "withdrawn" and shown_at(row) is not None


def _compared(outlook: Outlook, stored: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Rows of what is found, under the ids they had, and stored rows that are found no more."""
    waiting, pairs = list(stored), []
    silent = outlook.silent or ()
    for found in sorted((*outlook.found, *silent), key=lambda f: (f.start, f.meter, f.kind)):
        same = _same(found, waiting)
        if same is not None:
            waiting.remove(same)
        pairs.append((found, same))
    for row, found in _silenced(outlook, waiting):
        if row.state == "open":  # what was shown stays: verdicts thin out what is to come
            waiting.remove(row)
            pairs.append((found, row))
    taken = {row.id for row in stored}
    rows = [_row(found, outlook.institution, same, taken) for found, same in pairs]
    gone = [row for row in waiting if _is_undecided(row) and _was_looked_for(row, outlook)]
    return list({row.id: row for row in rows}.values()), gone


def _silenced(outlook: Outlook, stored: Sequence[Finding]) -> list[tuple[Finding, Found]]:
    """Stored findings that are still found, but would not be told any more."""
    pairs = ((_same(found, stored), found) for found in outlook.silenced)
    return list({row.id: (row, found) for row, found in pairs if row is not None}.values())


def _is_undecided(row: Finding) -> bool:
    """True where no person has said what becomes of it; one that only left the waiting list counts."""
    return row.state in ("open", "waiting") or row.comment == OUTDATED


def _was_looked_for(row: Finding, outlook: Outlook) -> bool:
    if row.kind == Kind.OFFLINE:
        return outlook.silent is not None
    return any(row.start in span for span in outlook.spans)


def _same(found: Found, stored: Sequence[Finding]) -> Finding | None:
    """The stored finding that this one continues: same meter, same time, told by the same kind of signs."""
    near = [
        row
        for row in stored
        if row.meter == found.meter
        and _signs(row.kind) == _signs(found.kind)
        and _shared(row, found) >= _ALIKE * max(min(_length(row), found.end - found.start), HOUR)
    ]
    return max(near, key=lambda row: (row.kind == found.kind, _shared(row, found), row.id), default=None)


def _signs(kind: str) -> str:
    """What tells a kind: how readings came, sisters, rooms, or how much was used when."""
    if kind in _REGISTER_KINDS:
        return "readings"
    return kind if kind in (Kind.SISTER, Kind.SET_POINT) else "use"


def _length(row: Finding) -> int:
    return (row.end or row.start) - row.start


def _shared(row: Finding, found: Found) -> int:
    return min(row.end or row.start, found.end) - max(row.start, found.start)


def _new_id(found: Found, taken: Container[str]) -> str:
    """An id that follows from what is found; another one where a stored finding began there, but is of another time."""
    name = f"{found.meter}|{found.kind}|{found.start}"
    ids = ("f-" + hashlib.sha256((name + "|" * n).encode()).hexdigest()[:16] for n in count())
    return next(one for one in ids if one not in taken)


def _row(found: Found, institution: str, before: Finding | None, taken: Container[str]) -> Finding:
    words = describe(found)
    return Finding(
        id=_new_id(found, taken) if before is None else before.id,
        institution=institution,
        meter=found.meter,
        kind=found.kind.value,
        start=found.start,
        end=found.end,
        severity=_plain(found.worth) or 0.0,
        certainty=round(min(max(found.certainty, 0.0), 1.0), 4),
        excess=_plain(found.excess),
        unit=found.unit,
        excess_yuan=_plain(math.copysign(found.yuan, found.excess)),
        title_zh=words.title_zh,
        title_en=words.title_en,
        text_zh=f"{words.text_zh}可能原因：{words.causes_zh}。先查：{words.check_zh}。",
        text_en=f"{words.text_en} Likely: {words.causes_en}. First: {words.check_en}.",
        evidence=json.dumps(_evidence(found, before), ensure_ascii=False, sort_keys=True),
    )


def _evidence(found: Found, before: Finding | None) -> dict[str, Any]:
    """What the finding rests on; when it was told and shown first stays what it was."""
    evidence = {
        "actual": _plain(found.actual),
        "usual": _plain(found.usual),
        "kgce": _plain(math.copysign(found.kgce, found.excess)),
        "terms": [[term, round(odds, 3)] for term, odds in found.evidence],
        "also": list(found.also),
        "seen": found.seen if before is None else min(found.seen, seen_at(before)),
        "detector": DETECTOR,
    }
    shown = json.loads(before.evidence).get("shown") if before is not None and before.evidence else None
    return evidence if shown is None else evidence | {"shown": shown}


def _plain(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


def _city(snapshot: Snapshot, institution: str) -> str:
    """The region whose reader an institution's findings go to: the one below the top, else its own."""
    path = list(_path(snapshot.regions, snapshot.institutions[institution].region))
    return path[-2] if len(path) > 1 else path[0]


def _path(regions: Mapping[str, Region], code: str) -> Iterator[str]:
    seen: set[str] = set()
    at: str | None = code
    while at is not None and at not in seen:
        seen.add(at)
        yield at
        region = regions.get(at)
        at = region.parent if region is not None else None
