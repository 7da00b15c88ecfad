"""Slow, obvious twins of the kernels of registers and consumption: one meter, one reading, one minute at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

GLITCH, EXCHANGE, ROLLOVER, ACCEPTED, FIRST, GAP, STUCK, DUPLICATE = (
    "GLITCH", "EXCHANGE", "ROLLOVER", "ACCEPTED", "FIRST", "GAP", "STUCK", "DUPLICATE",
)  # fmt: skip


def judge(
    time: Sequence[int],
    value: Sequence[float],
    *,
    capacity: float,
    per_hour: float,
    gap_s: float,
    stuck_s: float,
    rests: bool = False,
) -> tuple[list[str], list[float]]:
    """Verdict and increment of each reading of one register, walking them in order."""
    n = len(time)
    verdict, increment = [""] * n, [math.nan] * n
    kept = [i for i in range(n) if i == 0 or time[i] != time[i - 1]]
    for i in set(range(n)) - set(kept):
        verdict[i] = DUPLICATE

    def may_have_gone_round(a: int, b: int, x: float) -> bool:
        usual = per_hour * (time[b] - time[a]) / 3600
        return math.isfinite(usual) and x + capacity <= usual

    def advance(a: int, b: int) -> float | None:
        limit = 8 * per_hour * (time[b] - time[a]) / 3600 + 1
        x, bound = value[b] - value[a], limit
        if x < 0 and math.isfinite(capacity):
            x, bound = x + capacity, capacity / 2 if math.isinf(limit) else limit
        return x if 0 <= x <= bound and not may_have_gone_round(a, b, x) else None

    if kept:
        verdict[kept[0]] = FIRST
    at = 0
    while at < len(kept) - 1:
        base, j = kept[at], kept[at + 1]
        step = advance(base, j)
        if step is not None:
            late = time[j] - time[base] > gap_s
            verdict[j] = ROLLOVER if value[j] < value[base] else GAP if late else ACCEPTED
            increment[j] = step
            at += 1
            continue
        following = [k for k in (at + 2, at + 3) if k < len(kept)]
        agreeing = [k for k in following if advance(base, kept[k]) is not None]
        before = kept[at - 1] if at > 0 else None
        between = before is not None and verdict[before] != GLITCH and value[before] <= value[j] < value[base]
        vague = before is not None and may_have_gone_round(before, j, value[j] - value[before])
        if not agreeing and between and verdict[base] in (ACCEPTED, GAP) and not vague:
            assert before is not None
            verdict[base], increment[base] = GLITCH, math.nan
            verdict[j] = GAP if time[j] - time[base] > gap_s else ACCEPTED
            increment[j] = value[j] - value[before]
            at += 1
            continue
        if not agreeing:
            begin = at
            while increment[kept[begin]] == 0 and verdict[kept[begin]] == ACCEPTED:
                begin -= 1
            most = per_hour * (time[j] - time[kept[begin]]) / 3600 + 1
            stood = time[base] - time[kept[begin]] >= stuck_s and not rests
            stood = stood and not may_have_gone_round(base, j, value[j] - value[base])
            if stood and 0 <= value[j] - value[base] <= most:
                verdict[j] = GAP if time[j] - time[base] > gap_s else ACCEPTED
                increment[j] = value[j] - value[base]
            else:
                verdict[j] = EXCHANGE
            at += 1
            continue
        for k in range(at + 1, agreeing[0]):
            verdict[kept[k]] = GLITCH
        at = agreeing[0]
        m = kept[at]
        step = advance(base, m)
        assert step is not None
        late = time[m] - time[kept[at - 1]] > gap_s
        verdict[m] = ROLLOVER if value[m] < value[base] else GAP if late else ACCEPTED
        increment[m] = step
    p99 = per_hour if rests else None
    _stuck(kept, time, verdict, increment, stuck_s, p99)
    return verdict, increment


def _stuck(
    kept: list[int],
    time: Sequence[int],
    verdict: list[str],
    increment: list[float],
    stuck_s: float,
    p99: float | None,
) -> None:
    k = 1
    while k < len(kept):
        end = k
        while end < len(kept) and verdict[kept[end]] == ACCEPTED and increment[kept[end]] == 0:
            end += 1
        long = end > k and time[kept[end - 1]] - time[kept[k - 1]] >= stuck_s
        if long and p99 is not None:
            after = [i for i in kept[end:] if not math.isnan(increment[i])][:1]
            long = any(increment[i] > p99 * (time[i] - time[kept[end - 1]]) / 3600 + 1 for i in after)
        if long:
            for i in range(k, end):
                verdict[kept[i]] = STUCK
        k = max(end, k + 1)


def grid(
    start: Sequence[int], end: Sequence[int], amount: Sequence[float], first: int, last: int, step: int
) -> list[float]:
    """Amount of each interval, minute by minute; NaN where a minute is unknown or in a step over two hours."""
    found: list[float] = []
    for begin in range(first // step * step, last, step):
        total = 0.0
        for second in range(begin, begin + step, 60):
            inside = [k for k in range(len(start)) if start[k] <= second < end[k]]
            if not inside or end[inside[0]] - start[inside[0]] > 7200:
                total = math.nan
                break
            k = inside[0]
            total += amount[k] * 60 / (end[k] - start[k])
        found.append(total)
    return found
