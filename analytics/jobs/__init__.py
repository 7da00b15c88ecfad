"""The impure part of analytics: read what was touched, compute, replace the results."""

from analytics.jobs.record import RunRecord
from analytics.jobs.runner import SHAPE, run, run_unit

__all__ = ["SHAPE", "RunRecord", "run", "run_unit"]
