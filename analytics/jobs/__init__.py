"""The impure part of analytics: read, compute, write results; scheduled, resumable, by institution."""
