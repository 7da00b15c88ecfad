"""A run of the jobs: take what was touched, compute it institution by institution, then the regions, then forget.

Every step writes by replacing windows and the marks are dropped last: a run that dies anywhere is done again by the
next one, with the same results.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from analytics.jobs.budget import LEAST_YUAN
from analytics.jobs.due import Asked, Present, remembered, still_marked, tasks_of
from analytics.jobs.history import Record, recorded
from analytics.jobs.notices import publish
from analytics.jobs.patience import Patient
from analytics.jobs.peers import compute_peers
from analytics.jobs.record import RunRecord
from analytics.jobs.regions import add_regions
from analytics.jobs.rows import Writer, Written, union
from analytics.jobs.sisters import with_sisters
from analytics.jobs.standing import write_directory
from analytics.jobs.targets import compute_targets
from analytics.jobs.task import Done, Failed
from analytics.jobs.units import Hands, Mapper, Opener
from analytics.progress import STAGES
from energy.intervals import DEFAULT_ZONE, LocalCalendar
from energy.registry import FittedModel, Registry
from energy.storage.base import Store

Progress = Callable[[int, int, str], None]
"""Told (institutions done, institutions in all, the one just done)."""


def run(
    store: Store,
    registry: Registry,
    *,
    now: int,
    since: int | None = None,
    institutions: Sequence[str] | None = None,
    refit: bool = False,
    workers: int = 1,
    opener: Opener | None = None,
    mapper: Mapper | None = None,
    zone: str = DEFAULT_ZONE,
    stages: Sequence[float] = STAGES,
    least_yuan: float = LEAST_YUAN,
    progress: Progress | None = None,
) -> RunRecord:
    """Compute everything that was touched; with `since`, `institutions` or `refit` also what these name.

    Parameters
    ----------
    now : int
        Up to when readings are expected. [s]
    since : int, optional
        Compute all readings of the institutions again from this instant. [s]
    institutions : sequence of str, optional
        Only these; the marks of all others stay for another run.
    refit : bool
        Fit the register profiles again first, and compute with them.
    workers, opener
        More than one worker: processes, each opening store and registry by `opener`.
    mapper : callable, optional
        Runs the units elsewhere, such as on Dask distributed; needs an opener, and `workers` is its own affair.
    zone : str
        Time zone of regions, and of institutions whose sites name none.
    stages : sequence of float
        Shares of the annual target at which a stage is raised, rising.
    least_yuan : float
        What a finding must be worth to be shown; what is worth less waits. [yuan]
    progress : callable, optional
        Told after each institution.
    """
    started, store = time.perf_counter(), Patient(store)
    asked, hands = Asked(institutions, since, refit), Hands(workers, opener, mapper)
    # Marks of institutions that were not asked for must outlive this run, so they are not even taken. The snapshot
    # comes after: a mark may be of a meter that was imported a moment ago, and would be forgotten as unknown.
    epoch, marks = registry.take_touched() if institutions is None else (None, [])
    present = Present.of(registry, LocalCalendar(zone), now)
    tasks = list(tasks_of(present, asked, marks))
    works = _Works(store, Writer(store, Written()), present)
    with recorded(registry, institutions=len(tasks)) as record:
        write_directory(works.writer, present.snapshot, present.calendar.date_of(now))  # what has no name is not found
        ended = []
        for part in hands.done(tasks, store, registry, epoch):
            ended.append(part)
            record.so_far(len(ended))
            if progress is not None:
                progress(len(ended), len(tasks), part.institution)
        done = [part for part in ended if isinstance(part, Done)]
        failed = {part.institution: part.error for part in ended if isinstance(part, Failed)}
        regions = works.above(done, record, stages, least_yuan)
        shapes = remembered(present, asked, tasks, {part.institution for part in done}, failed)
        registry.save_models([*shapes, *regions.values()])
        if epoch is not None:
            left = [task for task in tasks if task.estate.institution in failed]
            registry.mark_touched(still_marked(left, marks, present.snapshot))
            registry.forget_touched(epoch)
        found = works.summed_up(done, tuple(regions), time.perf_counter() - started, failed)
        record.tell(asked=asdict(asked) | {"workers": workers}, **found.counts())
        record.error = found.trouble
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Works:
    """What the steps of a run share."""

    store: Store
    writer: Writer
    present: Present

    def above(
        self, done: Sequence[Done], record: Record, stages: Sequence[float], least_yuan: float
    ) -> dict[str, FittedModel]:
        """Compute what stands above institutions: regions, peers, findings, targets; regions with who is in them."""
        store, writer, here = self.store, self.writer, self.present
        registry, snapshot, calendar = here.registry, here.snapshot, here.calendar
        regions = add_regions(store, writer, here, done)
        windows = union([window for part in done for window in part.changed])
        compute_peers(store, registry, snapshot, writer, calendar, windows)
        looked = [part.outlook for part in done if part.outlook is not None]
        looked = with_sisters(store, snapshot, calendar, looked)
        findings = publish(registry, writer, snapshot, calendar, looked, now=here.now, least_yuan=least_yuan)
        changed = {*(part.institution for part in done), *regions}
        n_targets = compute_targets(
            store, registry, snapshot, writer, calendar, changed=changed, now=here.now, stages=stages
        )
        record.tell(findings=findings, targets=n_targets)
        return regions

    def summed_up(
        self, done: Sequence[Done], regions: tuple[str, ...], seconds: float, failed: Mapping[str, str]
    ) -> RunRecord:
        """What the run did."""
        for part in done:
            self.writer.counts.add(part.counts)
        return RunRecord(
            now=self.present.now,
            revision=self.present.snapshot.revision,
            institutions=tuple(sorted(part.institution for part in done)),
            recomputed=tuple(window for part in done for window in part.recomputed),
            regions=regions,
            models={name: version for part in done for name, version in part.models.items()},
            written=self.writer.counts.written,
            deleted=self.writer.counts.deleted,
            seconds=seconds,
            failed=failed,
        )
