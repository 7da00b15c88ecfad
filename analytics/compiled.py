"""One way to compile a kernel: numba without the global interpreter lock, cached on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a numeric loop at its first call.

    Notes
    -----
    Only the freedoms that do not assume finite numbers are given to the compiler ("fastmath" without `nnan` and
    `ninf`): sums may be reordered into vector lanes, NaN keeps its meaning. A loop reads one meter at a time, so the
    order of its sums does not depend on how many meters are given together.
    """
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
    try:
        return cast(Callable[P, R], numba.njit(cache=True, **options)(function))
    except RuntimeError:  # no folder for the cache is writable: compile anew in each process
        return cast(Callable[P, R], numba.njit(**options)(function))
