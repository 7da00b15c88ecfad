"""Stages of targets in the registry: raised once, withdrawn for all to see when data or target no longer prove them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from analytics.progress import ChangeReason, stage_changes
from energy.registry import Registry
from energy.registry.decisions import Stage, Target


class Subject(NamedTuple):
    """What a target is of; of several targets of one subject one counts."""

    scope: str
    id: str
    year: int
    indicator: str
    caliber: str


def subject_of(row: Target | Stage) -> Subject:
    """What a target or a stage of it is of."""
    return Subject(row.scope, row.id, row.year, row.indicator, row.caliber)


def stages_of(registry: Registry, subjects: Collection[Subject]) -> dict[Subject, list[Stage]]:
    """Every stage that these subjects ever reached."""
    found: dict[Subject, list[Stage]] = {}
    ids = sorted({subject.id for subject in subjects})
    for row in registry.stages.rows(id=ids) if ids else ():
        found.setdefault(subject_of(row), []).append(row)
    return found


def changed_stages(
    target: Target,
    rows: Sequence[Stage],
    status: Mapping[float, int],
    reached_at: Mapping[float, int],
    *,
    used: float,
    now: int,
) -> list[Stage]:
    """What is to be raised or withdrawn now.

    Parameters
    ----------
    target : Target
    rows : sequence of Stage
        The stages that it ever reached.
    status : mapping of float to int
        `analytics.progress.Reached` of each stage.
    reached_at : mapping of float to int
        End of the day on which each stage was reached; only of those that are. [s]
    used : float
        Use to date as far as it is known.
    now : int
        [s]
    """
    standing = {row.stage: row for row in rows if row.withdrawn is None}
    taken = {(row.stage, row.raised) for row in rows}
    found = []
    for change in stage_changes(frozenset(standing), list(status.values()), list(status)):
        if change.is_raised:
            at = reached_at[change.stage]
            at = now if (change.stage, at) in taken else at  # again after a withdrawal: both stay visible
            row = Stage(*subject_of(target), stage=change.stage, raised=at, used=used, target=target.value)
        else:
            row = replace(standing[change.stage], used=used, target=target.value, withdrawn=now)
        found.append(replace(row, reason=change.reason.value))
    return found


def withdrawn(rows: Iterable[Stage], now: int) -> list[Stage]:
    """The stages that stand, withdrawn because their target counts no more."""
    return [replace(row, withdrawn=now, reason=ChangeReason.CORRECTED.value) for row in rows if row.withdrawn is None]
