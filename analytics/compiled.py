"""One way to compile a kernel: numba without the global interpreter lock, kept on disk for the next process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

OPTIONS: Final = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz", "arcp"}}


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a numeric loop at its first call.

    Notes
    -----
    Only the freedoms that do not assume finite numbers are given to the compiler ("fastmath" without `nnan` and
    `ninf`): sums may be reordered into vector lanes, NaN keeps its meaning. A loop reads one meter at a time, so the
    order of its sums does not depend on how many meters are given together.

    What was compiled is kept in the first of these folders that can be written to: `NUMBA_CACHE_DIR`, the package's
    own, the user's cache, `JIENENG_HOME`. Where none can, each process compiles anew.

    A kernel that calls another one is compiled with it once more, so kernels are called from Python, for many meters
    at a time, wherever that costs nothing.
    """
    try:
        return cast(Callable[P, R], _kept(function))
    except RuntimeError:  # numba's word for: no folder can be written to
        return cast(Callable[P, R], numba.njit(**OPTIONS)(function))


def _kept(function: Callable[P, R]) -> Any:
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        home = os.environ.get("JIENENG_HOME")
        if not home or numba.config.CACHE_DIR:
            raise
        numba.config.CACHE_DIR = str(Path(home) / "compiled")
        return numba.njit(cache=True, **OPTIONS)(function)
