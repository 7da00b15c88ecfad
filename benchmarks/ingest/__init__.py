"""Ingest measured end to end: messages per second, CPU by process, latencies, memory, beside Telegraf."""
