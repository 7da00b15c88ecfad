"""Whether the ingest process lives, and whether it can do its work: asked each time, never cached."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from collector.audit import Audit
from collector.clocks import Clocks
from collector.pipeline import Pipeline
from collector.source import Source
from collector.watch import Watch

_CANARY_AGE_S: Final = 300.0
_CANARY_HANGS_S: Final = 8.0


class Health:
    """The answers of `/livez` and `/readyz`: by check, what is wrong (empty: nothing)."""

    def __init__(self, ingest: Pipeline, watch: Watch, source: Source | None) -> None:
        self._ingest = ingest
        self._watch = watch
        self._source = source

    def live(self) -> Mapping[str, str]:
        """Wrong here means: restart the process."""
        return {
            "threads": "" if self._ingest.is_alive else "the commit or forwarder thread has ended",
            "source": "" if self._source is None or self._source.is_alive else "no message can be received any more",
        }

    def ready(self) -> Mapping[str, str]:
        """Wrong here means: something around the process wants mending; nothing taken is lost."""
        return {
            **self.live(),
            "receiving": "" if self._source is None or self._source.is_receiving else "no message can arrive now",
            "spool": self._ingest.trouble,
            "disk": self._disk(),
            "store": self._ingest.forwarder.trouble or self._canary(),
        }

    def audited(self) -> Audit | None:
        """What the last audit of the ledger found."""
        return self._watch.auditor.last

    def clocks(self) -> Clocks | None:
        """What is known of the clocks of gateways."""
        return self._watch.clocks.last

    def source_counters(self) -> Mapping[str, int]:
        """What the source counted since the start."""
        return {} if self._source is None else asdict(self._source.counters)

    def _disk(self) -> str:
        reserve = self._ingest.settings.ingest.disk_reserve_bytes
        free = shutil.disk_usage(self._ingest.settings.home).free
        return "" if free >= reserve else f"{free} bytes free, expected at least {reserve}"

    def _canary(self) -> str:
        now, watch = time.monotonic(), self._watch
        began, ok_at = watch.canary_began_at, watch.canary_ok_at
        if began is not None and now - began > _CANARY_HANGS_S:
            return f"the store has not answered for {now - began:.0f} s"
        if watch.canary_trouble:
            return watch.canary_trouble
        if ok_at is None or now - ok_at > _CANARY_AGE_S:
            return "no point was written and read back within 5 minutes"
        return ""
