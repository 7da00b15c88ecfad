"""TLS contexts by settings: TLS 1.2 or newer, verification never off."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from energy.errors import SettingsError
from energy.settings import MqttSettings


def server_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """The endpoint's context, or None where no certificate is set."""
    if settings.tls_cert is None and settings.tls_key is None:
        if settings.tls_client_ca is not None:
            raise SettingsError("mqtt.tls_cert is not set: who asks gateways for certificates needs one too")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_pair(context, settings.tls_cert, settings.tls_key)
    if settings.tls_client_ca is not None:
        _trust(context, settings.tls_client_ca, "mqtt.tls_client_ca")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """The context towards a broker, or None where no CA is set; a certificate of our own is optional."""
    if settings.tls_ca is None:
        if settings.tls_cert is not None or settings.tls_key is not None:
            raise SettingsError("mqtt.tls_ca is not set: a certificate is shown only to a broker that is verified")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, settings.tls_ca, "mqtt.tls_ca")
    if settings.tls_cert is not None or settings.tls_key is not None:
        _load_pair(context, settings.tls_cert, settings.tls_key)
    return context


def common_name(certificate: Mapping[str, Any] | None) -> str | None:
    """The name a verified peer certificate was made out to; None without certificate."""
    fields = [pair for part in (certificate or {}).get("subject", ()) for pair in part]
    return next((value for name, value in fields if name == "commonName"), None)


def _trust(context: ssl.SSLContext, ca: Path, key: str) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsError(f"{key} {ca}: expected a PEM file of CA certificates: {exc}") from exc


def _load_pair(context: ssl.SSLContext, cert: Path | None, key: Path | None) -> None:
    if cert is None or key is None:
        missing = "mqtt.tls_cert" if cert is None else "mqtt.tls_key"
        raise SettingsError(f"{missing} is not set: TLS needs certificate and private key, both as PEM files")
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsError(f"mqtt.tls_cert {cert} with mqtt.tls_key {key}: expected a PEM pair: {exc}") from exc
