"""`jieneng stack`: the Standard size on one machine, from servers that are installed."""
