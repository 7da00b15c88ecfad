"""Dated tables as data, each row with its source and confidence."""
