"""The threads of alarms in the work process: one looks for causes, one sends, so that no receiver delays the first."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from api.alarms.daily import queue_digests
from api.alarms.delivery import deliver, heartbeat
from api.alarms.evaluation import evaluate
from api.context import Leads
from energy.certificates import certificate_files
from energy.errors import SettingsError
from energy.intervals import DAY
from energy.registry import Registry
from energy.settings import Settings, secret
from energy.storage.base import Store

logger = logging.getLogger(__name__)
_SEND_EVERY_S: Final = 5.0
_KEEP_SENT_S: Final = 90 * 24 * 3600


class Watcher:
    """Both threads, from `start` to `stop`. `wake` asks for a judgement soon: jobs have written something."""

    def __init__(
        self, settings: Settings, registry: Registry, store: Store, *, leads: Leads = lambda _since: {}
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store
        self._leads = leads
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._beaten = 0.0
        self._threads = [
            threading.Thread(target=self._judging, name="alarms"),
            threading.Thread(target=self._sending, name="outbox"),
        ]

    def start(self) -> None:
        """Begin to look and to send."""
        _require_key(self._settings)
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Look for causes soon."""
        self._woken.set()

    def stop(self) -> None:
        """Finish what is being done and return."""
        self._stopping.set()
        self._woken.set()
        for thread in self._threads:
            thread.join()

    def _judging(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            self._safely("alarms were not evaluated", self._judge)
            self._woken.wait(self._settings.alarms.every_s)

    def _sending(self) -> None:
        while not self._stopping.wait(_SEND_EVERY_S):
            self._safely("the outbox was not emptied", self._send)

    def _judge(self) -> None:
        now = int(time.time())
        settings = self._settings
        evaluate(
            self._registry,
            self._store,
            now,
            zone=settings.zone,
            home=settings.home,
            certificates=certificate_files(settings),
            leads=self._leads(now - DAY),
        )
        queue_digests(self._registry, now, hour=settings.alarms.digest_hour, zone=settings.zone)
        self._registry.alarms.forget_sent(now - _KEEP_SENT_S)

    def _send(self) -> None:
        deliver(self._registry, self._settings.alarms, int(time.time()))
        if time.monotonic() - self._beaten >= self._settings.alarms.heartbeat_s:
            self._beaten = time.monotonic()
            heartbeat(self._settings.alarms)

    @staticmethod
    def _safely(what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            logger.exception("%s; it is tried again", what)


def _require_key(settings: Settings) -> None:
    """Say early that webhooks cannot be signed; everything else works without the key."""
    try:
        secret(settings.alarms.webhook_key, settings.alarms.webhook_key_file, "alarms.webhook_key")
    except SettingsError as exc:
        logger.info("webhooks are off: %s", exc)
