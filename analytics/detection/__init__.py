"""Detection of faults in hourly series: terms, weights, alarms, their kinds and their grouping."""
