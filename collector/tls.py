"""TLS contexts by settings: TLS 1.2 or newer, verification never off."""

from __future__ import annotations

import ssl
from pathlib import Path

from energy.errors import SettingsError
from energy.settings import MqttSettings


def server_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """The endpoint's context, or None where no certificate is set."""
    if settings.tls_cert is None and settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_pair(context, settings.tls_cert, settings.tls_key)
    return context


def client_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """The context towards a broker, or None where no CA is set; a certificate of our own is optional."""
    if settings.tls_ca is None:
        return None
    try:
        context = ssl.create_default_context(cafile=str(settings.tls_ca))
    except (OSError, ssl.SSLError) as exc:
        raise SettingsError(f"mqtt.tls_ca {settings.tls_ca}: expected a PEM file of CA certificates: {exc}") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.tls_cert is not None or settings.tls_key is not None:
        _load_pair(context, settings.tls_cert, settings.tls_key)
    return context


def _load_pair(context: ssl.SSLContext, cert: Path | None, key: Path | None) -> None:
    if cert is None or key is None:
        missing = "mqtt.tls_cert" if cert is None else "mqtt.tls_key"
        raise SettingsError(f"{missing} is not set: TLS needs certificate and private key, both as PEM files")
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsError(f"mqtt.tls_cert {cert} with mqtt.tls_key {key}: expected a PEM pair: {exc}") from exc
