"""Conditions of the jobs: figures that have not been computed whole for a while."""

from __future__ import annotations

from typing import Final

from analytics.jobs.history import JOB
from api.alarms.rules import limit
from api.alarms.view import Condition, Judgement, View, Words
from energy.registry import AlarmRule
from energy.registry.decisions import Run

_SHOWN: Final = 300  # characters of an error that a notice has room for


def jobs(view: View, rule: AlarmRule) -> Judgement:
    """Runs of the jobs have failed, wholly or for some institutions, since the last good one (threshold: seconds)."""
    last = _first(view, "-started", "done", "failed")
    if last is None or last.state == "done":
        return Judgement()
    good = _first(view, "-started", "done")
    first = _first(view, "started", "failed") or last
    since = first.started if good is None else good.ended or good.started
    return Judgement((_failing(since, last.error),)) if view.now - since > limit(rule) else Judgement()


def _first(view: View, order: str, *states: str) -> Run | None:
    """The first run in this order among those that ended so."""
    found = view.registry.runs.listing(order, "id", job=JOB, state=list(states)).page(1)
    return found[0] if found else None


def _failing(since: int, error: str) -> Condition:
    error = error[:_SHOWN]
    return Condition(
        cause="jobs/failing",
        scope="root",
        node="",
        since=since,
        title=Words("计算任务持续失败", "Figures cannot be computed"),
        text=Words(
            f"自此之后没有一次计算完整结束:{error}。受影响单位的数据不再更新,修复后将自动补算;"
            "详见工作进程日志和 /api/v1/runs。",
            f"No run of the jobs has ended whole since: {error}. What it names gets no new figures; once that is mended"
            " they are computed by themselves. See the log of the work process and /api/v1/runs.",
        ),
        link="/quality",
    )
