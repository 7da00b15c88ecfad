"""Doing the work of institutions: here, in processes of this machine, or wherever a mapper takes it.

An institution whose figures cannot be computed stops no other one.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Final

from analytics.jobs.patience import Patient
from analytics.jobs.task import Done, Failed, Task, perform
from energy.errors import RegistryUnavailable, SchemaOutdated, StorageForbidden, StorageUnavailable
from energy.registry import Registry
from energy.storage.base import Store

Opener = Callable[[], tuple[Store, Registry]]
"""Opens store and registry in another process; must be picklable."""
Ended = Done | Failed
Mapper = Callable[[Callable[[Task], Ended], Sequence[Task]], Iterable[Ended]]
"""Applies a function to every unit of work, anywhere and in any order; function, units and answers are picklable."""

_OF_ALL: Final = (RegistryUnavailable, SchemaOutdated, StorageForbidden, StorageUnavailable)
"""Troubles that are none of one institution: they end the run."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does the work: this process alone, so many processes, or a mapper; the last two need an opener."""

    workers: int = 1
    opener: Opener | None = None
    mapper: Mapper | None = None

    def __post_init__(self) -> None:
        if (self.workers > 1 or self.mapper is not None) and self.opener is None:
            raise ValueError("more than one worker needs an opener of store and registry")

    def done(self, tasks: Sequence[Task], store: Store, registry: Registry, epoch: int | None) -> Iterable[Ended]:
        """Do the tasks, in any order; with an epoch, those whose first readings just arrive wait for the next run."""
        if self.opener is not None and self.mapper is not None:
            return self.mapper(partial(run_unit, opener=self.opener), tasks)
        if self.opener is not None and self.workers > 1:
            return _in_processes(tasks, self.workers, self.opener)
        return _here(tasks, store, registry, epoch)


def _here(tasks: Sequence[Task], store: Store, registry: Registry, epoch: int | None) -> Iterator[Ended]:
    for task in tasks:
        if epoch is None or not _is_arriving(task, registry, epoch):
            yield attempt(task, store, registry)


def _is_arriving(task: Task, registry: Registry, epoch: int) -> bool:
    """Whether a new institution's first readings came since the run began: the next one computes them once, and whole.

    It has their marks then, so nobody waits for longer than one run.
    """
    if task.touched or not task.everything:
        return False
    return not registry.touched_since(epoch).isdisjoint(meter.id for meter in task.estate.meters)


def _in_processes(tasks: Sequence[Task], workers: int, opener: Opener) -> Iterator[Ended]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        for future in as_completed([pool.submit(run_unit, task, opener) for task in tasks]):
            yield future.result()


def _end_with_parent() -> None:
    """Have this process end when the one that started it is gone: what it writes then could be older than what is."""
    parent = parent_process()

    def end() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def attempt(task: Task, store: Store, registry: Registry) -> Ended:
    """Do one unit of work; what goes wrong in it, of whatever kind, is logged and told instead of raised."""
    try:
        return perform(task, store, registry)
    except _OF_ALL:
        raise
    except Exception as exc:
        name = task.estate.institution
        _log.exception("institution %s cannot be computed, the others go on", name)
        return Failed(name, f"{type(exc).__name__}: {exc}")


def run_unit(task: Task, opener: Opener) -> Ended:
    """Do one unit of work with a store and a registry of its own: in another process, or on another machine."""
    store, registry = opener()
    try:
        return attempt(task, Patient(store), registry)
    finally:
        store.close()
        registry.close()
