"""Prometheus metrics of the ingest process. No name that came over the network is ever a label."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from analytics.clocks import WARN_S
from collector.clocks import Clocks
from collector.health import Health
from collector.pipeline import Pipeline
from collector.watch import lag_s
from energy.backups import last_backup
from energy.certificates import certificate_files, read_certificate
from energy.errors import SettingsError
from energy.settings import Settings

_READINGS = ("taken", "stored", "duplicate", "replayed", "qos0", "implausible")
_MESSAGES = ("messages", "status", "status_ignored", "unknown_fields", "seq_gap")


class IngestMetrics(Collector):
    """Reads the counters when asked."""

    def __init__(self, ingest: Pipeline, health: Health) -> None:
        self._ingest = ingest
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        counters = dict(self._ingest.counters)
        readings = CounterMetricFamily("jieneng_readings", "Readings by what became of them", labels=["outcome"])
        for name in _READINGS:
            readings.add_metric([name], counters.get(name, 0))
        yield readings
        parked = CounterMetricFamily("jieneng_readings_parked", "Readings set aside, by reason", labels=["reason"])
        for name, count in sorted(counters.items()):
            if name.startswith("parked:"):
                parked.add_metric([name.removeprefix("parked:")], count)
        yield parked
        for name in _MESSAGES:
            yield CounterMetricFamily(f"jieneng_{name}", _HELP[name], value=counters.get(name, 0))
        for name, count in self._health.source_counters().items():
            help_text = f"{name.replace('_', ' ').capitalize()}, by the MQTT side since the start"
            yield CounterMetricFamily(f"jieneng_mqtt_{name}", help_text, value=count)
        yield from self._gauges()

    def _gauges(self) -> Iterator[Metric]:
        ingest = self._ingest
        quota = ingest.settings.ingest.spool_quota_bytes
        yield GaugeMetricFamily("jieneng_spool_readings", "Readings waiting for the store", ingest.spool.readings)
        yield GaugeMetricFamily("jieneng_spool_bytes", "Size of what waits on the disk", ingest.spool_bytes)
        yield GaugeMetricFamily(
            "jieneng_spool_quota_ratio", "Share of the spool's quota used", ingest.spool_bytes / quota
        )
        yield GaugeMetricFamily(
            "jieneng_lag_seconds", "Age of the oldest waiting reading", lag_s(ingest, int(time.time()))
        )
        yield GaugeMetricFamily("jieneng_sink_full", "1 while sources are held back", float(ingest.is_full))
        yield GaugeMetricFamily("jieneng_unaccounted_readings", "Taken, but neither stored, known, parked nor waiting",
                                ingest.unaccounted)  # fmt: skip
        if (audit := self._health.audited()) is not None:
            found = GaugeMetricFamily("jieneng_audit_readings", "Readings that do not add up by meter and day",
                                      labels=["difference"])  # fmt: skip
            for name, count in asdict(audit).items():
                found.add_metric([name], count)
            yield found
        if (clocks := self._health.clocks()) is not None:
            yield from _of_clocks(clocks)
        yield from _renewals(ingest.settings, time.time())
        ready = GaugeMetricFamily("jieneng_ready", "1 where a check of /readyz holds", labels=["check"])
        for name, trouble in self._health.ready().items():
            ready.add_metric([name], 0.0 if trouble else 1.0)
        yield ready


def _of_clocks(clocks: Clocks) -> Iterator[Metric]:
    yield GaugeMetricFamily("jieneng_gateway_clocks_known", "Gateways of whose clock anything is known", clocks.known)
    yield GaugeMetricFamily("jieneng_gateway_clocks_off", f"Those off by {WARN_S:.0f} s and more", clocks.off)
    if clocks.largest is not None:
        yield GaugeMetricFamily("jieneng_gateway_clock_ahead_seconds", "Of the one that is off most; negative: behind",
                                clocks.largest)  # fmt: skip


def _renewals(settings: Settings, now: float) -> Iterator[Metric]:
    """What somebody has to renew in time; what cannot be read, or was never made, has no age."""
    ends = GaugeMetricFamily("jieneng_certificate_seconds_left", "Until the certificate ends", labels=["setting"])
    for key, file in certificate_files(settings).items():
        with suppress(SettingsError):
            ends.add_metric([key], read_certificate(key, file).end - now)
    yield ends
    with suppress(SettingsError):
        last = last_backup(settings.home)
        yield GaugeMetricFamily("jieneng_backup_exists", "1 where a backup was ever finished", float(last is not None))
        if last is not None:
            yield GaugeMetricFamily("jieneng_backup_age_seconds", "Age of the last finished backup", now - last.time)


_HELP = {
    "messages": "Messages taken",
    "status": "Status messages of gateways",
    "status_ignored": "Status messages that were no JSON object or came from nobody we know",
    "unknown_fields": "Fields of payloads that are not ours",
    "seq_gap": "Messages that gateways numbered and that never came",
}


def exposition(ingest: Pipeline, health: Health) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(IngestMetrics(ingest, health))
    return generate_latest(registry)
