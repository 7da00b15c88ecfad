"""The impure part of analytics: read what was touched, compute, replace the results."""

from analytics.jobs.record import RunRecord
from analytics.jobs.runner import run

__all__ = ["RunRecord", "run"]
