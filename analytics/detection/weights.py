"""How much each term speaks for a fault: calibrated log-odds, as data.

The weights are those of two logistic regressions (weights >= 0, ridge) of "this hour belongs to a fault" on
log(1 + term). They were fitted on faults of twenty kinds put at random into 2015 to 2017 of one half of the university
buildings. On the other half, 2018, kinds that the equal weights before were not made for, the average precision rose
from .41 to .48 and the ROC-AUC from .86 to .88. Thresholds and budgets were chosen on that other half, 2015 to 2018;
no weight was fitted on the shared labelled year, but its figures were seen while budgets were chosen.

`LASTING` ranks hours of faults of any length; `SUDDEN` was fitted on faults of at most twelve hours only, every fault
with the same weight, because a short fault holds few hours and would be outvoted.
"""

from __future__ import annotations

from typing import Final

TERMS: Final = ("point", "run", "day", "unrest", "night", "jump", "stuck", "zero")
"""Names of the terms, in the order of the columns of the weights.

point   deviation of this hour, in robust standard deviations
run     mean size of the deviations of six hours
day     mean signed deviation of 24 hours, against its own usual spread
unrest  mean size of the deviations of 72 hours, against its own usual spread
night   three nights' use against last year's model and the two months before
jump    change from hour to hour, in robust standard deviations
stuck   length of a run of equal values, against the longest usual one
zero    nothing, where nothing is rare
"""
LASTING: Final = (0.055, 0.504, 0.357, 0.689, 1.186, 0.0, 4.081, 0.0)
LASTING_INTERCEPT: Final = -5.934
SUDDEN: Final = (2.312, 0.0, 0.0, 0.0, 0.0, 1.089, 1.170, 5.391)
SUDDEN_INTERCEPT: Final = -10.524
CEILING: Final = 50.0
"""A term counts no more than this."""
USUAL: Final = (-0.9, -1.1)
"""Log-odds at which the budgets of 2 lasting and 1 sudden alarm a year are met by the average building."""
SURE: Final = 0.0
"""Log-odds above which an hour of the year before is taken for a fault and kept out of the thresholds."""
DOUBTFUL: Final = -1.0
"""The same for a meter whose year before holds more than `SPOILT` of sure hours: it was not cleaned."""
SPOILT: Final = 0.005
HOLD: Final = 0.5
"""An alarm goes on while the log-odds stay within this of its threshold."""
