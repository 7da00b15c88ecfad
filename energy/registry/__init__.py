"""Who and where, in SQL."""
