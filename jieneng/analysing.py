"""Runs of the jobs of one installation: once by the command `analyse`, again and again by the work process."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from energy.errors import JobsIncomplete, NotInRegistry
from energy.intervals import LocalCalendar
from energy.registry import Registry, Snapshot
from energy.settings import Settings
from energy.storage import open_store
from energy.storage.base import Store

if TYPE_CHECKING:
    from analytics.jobs import RunRecord
    from analytics.jobs.runner import Progress as Told

logger = logging.getLogger(__name__)
_PLAIN_S: Final = 10.0


def open_both(settings: Settings) -> tuple[Store, Registry]:
    """The installation's store and registry, in whichever process this is called."""
    return open_store(settings, role="work"), Registry.open(settings.registry_url)


def compute(
    settings: Settings,
    store: Store,
    registry: Registry,
    *,
    institutions: Sequence[str] | None = None,
    since: int | None = None,
    refit: bool = False,
    workers: int | None = None,
    progress: Told | None = None,
) -> RunRecord:
    """One run of the jobs as the installation is set up."""
    from analytics import jobs

    return jobs.run(
        store,
        registry,
        now=int(time.time()),
        institutions=institutions,
        since=since,
        refit=refit,
        workers=workers or settings.work.workers,
        opener=partial(open_both, settings),
        zone=settings.zone,
        stages=settings.targets.stages,
        least_yuan=settings.work.least_yuan,
        progress=progress,
    )


def run_analyse(
    settings: Settings, *, institutions: list[str] | None, since: date | None, refit: bool, workers: int | None
) -> None:
    """Compute once, show how far it is, and say what was done."""
    start = LocalCalendar(settings.zone).start_of(since) if since else None
    store, registry = open_both(settings)
    with contextlib.closing(registry), contextlib.closing(store):
        _refuse_unknown(institutions or (), registry.snapshot())
        with _shown(Console(stderr=True)) as told:
            record = compute(
                settings,
                store,
                registry,
                institutions=institutions,
                since=start,
                refit=refit,
                workers=workers,
                progress=told,
            )
    logger.info(
        "%d institutions, %d meters computed, %d rows written, %d deleted, %.1f s",
        len(record.institutions),
        len({window.meter for window in record.recomputed}),
        sum(record.written.values()),
        sum(record.deleted.values()),
        record.seconds,
    )
    if record.trouble:
        raise JobsIncomplete(record.trouble)


@contextlib.contextmanager
def _shown(console: Console) -> Iterator[Told]:
    """Shows how many institutions are computed: a bar on a terminal, now and then a line elsewhere."""
    columns = TextColumn("computed 计算"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    spoken = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task("computed", total=None)

        def told(done: int, of: int, _institution: str) -> None:
            nonlocal spoken
            bars.update(bar, completed=done, total=of)
            if not console.is_terminal and (done == of or time.monotonic() - spoken > _PLAIN_S):
                spoken = time.monotonic()
                console.print(f"computed {done:,} of {of:,} institutions")

        yield told


def _refuse_unknown(institutions: Iterable[str], snapshot: Snapshot) -> None:
    for name in institutions:
        if name not in snapshot.institutions:
            raise NotInRegistry(f"institution {name!r} is not in the registry; `jieneng export registry` shows its ids")
