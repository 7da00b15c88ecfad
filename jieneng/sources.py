"""Which source of messages the settings name."""

from __future__ import annotations

from collections.abc import Mapping

from collector.source import Source
from energy.registry import Registry, is_secret_of
from energy.registry.rows import Gateway
from energy.settings import Settings


def open_source(settings: Settings, registry: Registry) -> Source:
    """Our endpoint with the registry's credentials, or a client of a broker."""
    if settings.mqtt.source == "broker":
        from collector.client import open_client

        return open_client(settings.mqtt)
    from collector.endpoint import Endpoint

    return Endpoint(settings.mqtt, authenticate=Credentials(registry))


class Credentials:
    """Gateway credentials, read from the registry as they are now."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._revision = -1
        self._gateways: Mapping[str, Gateway] = {}

    def __call__(self, username: str, password: bytes) -> str | None:
        """The gateway id that user name and password prove, else None."""
        revision = self._registry.revision()
        if revision != self._revision:
            self._revision, self._gateways = revision, self._registry.gateways()
        gateway = self._gateways.get(username)
        return username if gateway is not None and is_secret_of(gateway, password) else None
