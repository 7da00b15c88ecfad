"""The impure part of analytics: read what was touched, compute, replace the results."""

from analytics.jobs.due import SHAPE
from analytics.jobs.record import RunRecord
from analytics.jobs.runner import run
from analytics.jobs.units import run_unit

__all__ = ["SHAPE", "RunRecord", "run", "run_unit"]
