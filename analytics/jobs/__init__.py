"""The impure part of analytics: read what was touched, compute, replace the results."""

from analytics.jobs.record import RunRecord
from analytics.jobs.runner import run, run_unit

__all__ = ["RunRecord", "run", "run_unit"]
