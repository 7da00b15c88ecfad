"""How much each term speaks for a fault: calibrated log-odds, as data.

Four classes of evidence, each with thresholds and a budget of its own: what makes a fault plain differs by kind, and a
sum over all terms would drown the terms that only few kinds show. The weights are logistic regressions (weights >= 0,
ridge) of "this hour belongs to a fault" on log(1 + term), fitted on faults put at random (`benchmarks.faults`) into
2015 to 2017 of recorded buildings. Their choice was judged by buildings, years and kinds left out of the fit together;
`docs/measurements-analytics.md` has the figures. The labelled year that comes with the data took no part.

lasting   faults of any length, every hour with the same weight
sudden    faults of at most twelve hours, every fault with the same weight: short ones hold few hours
restless  hour-to-hour changes unlike the meter's own: noise, cycling, values held or averaged, data of another meter
slow      a week's use unlike last year's model: leaks, drifts, plant left on
"""

from __future__ import annotations

from typing import Final

TERMS: Final = ("point", "run", "day", "unrest", "night", "jump", "stuck", "zero", "restless", "slow")
"""Names of the terms, in the order of the columns of the weights.

point     deviation of this hour, in robust standard deviations
run       mean size of the deviations of six hours
day       mean signed deviation of 24 hours, against its own usual spread
unrest    mean size of the deviations of 72 hours, against its own usual spread
night     three nights' use against last year's model and the two months before
jump      change from hour to hour, in robust standard deviations
stuck     length of a run of equal values, or of a day repeated value by value, against the longest usual one
zero      nothing, where nothing is rare
restless  mean of the jumps of 24 hours, against its own usual spread
slow      a week's use against last year's model and the two months before
"""
CLASSES: Final = ("lasting", "sudden", "restless", "slow")
WEIGHTS: Final = (
    (0.0, 0.861, 0.067, 0.806, 1.357, 0.0, 3.723, 0.0, 0.0, 0.0),
    (2.557, 0.0, 0.0, 0.0, 0.0, 0.913, 1.436, 5.911, 0.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.853, 0.0),
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.325),
)
"""By class and term."""
INTERCEPTS: Final = (-5.752, -10.747, -6.124, -5.021)
CEILING: Final = 50.0
"""A term counts no more than this."""
BUDGET_OF: Final = ((0, 1.0), (1, 1.0), (1, 1.0), (0, 1 / 3))
"""Which of the two budgets (lasting, sudden) a class draws on, and what share of it is its own."""
OWN_SHARE: Final = 0.7
"""Share of the meter's own threshold; the rest is `USUAL`."""
USUAL: Final = (2.0, 1.4, 0.2, 0.05)
"""By class: log-odds that an alarm of the average building must reach."""
SURE: Final = 0.0
"""Log-odds above which an hour of the year before is taken for a fault and kept out of the thresholds."""
DOUBTFUL: Final = -1.0
"""The same for a meter whose year before holds more than `SPOILT` of sure hours: it was not cleaned."""
SPOILT: Final = 0.005
FULL_OF_FAULTS: Final = 0.02
LOWERED: Final = 1.2
"""From `SPOILT` of sure hours up to this share, all thresholds fall by up to `LOWERED`: faults in the year before widen
what counts as usual."""
HOLD: Final = (0.5, 0.5, 0.5, 0.0)
"""By class: an alarm goes on while the log-odds stay within this of its threshold."""
GAP: Final = 5
"""Flagged hours at most this far apart (closer than six hours) belong to one alarm. [h]"""
REPEATS: Final = 28 * 24
"""Alarms of a meter in so many hours before one count against it: in that time levels follow a new habit. [h]"""
DEARER: Final = 0.3
"""Log-odds that each of them asks more. Where all are raised alike, one after five others touches a fault half as often
as the first; this much about makes up for it."""
