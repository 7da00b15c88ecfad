"""Until when the certificates hold that this installation shows, or trusts others by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from energy.errors import SettingsError
from energy.intervals import DAY
from energy.settings import Settings

WARN_DAYS: Final = 30
"""Days ahead of the end at which somebody should renew, where nothing else is set."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a file that ends first.

    Attributes
    ----------
    key : str
        The setting that names the file.
    subject : str
        Whose it is, as RFC 4514 writes it.
    end : int
        First second in which it does not hold. [s]
    """

    key: str
    file: Path
    subject: str
    end: int

    def days_left(self, now: int) -> float:
        """Days until it ends; negative once it has."""
        return (self.end - now) / DAY


def certificate_files(settings: Settings) -> dict[str, Path]:
    """The file of each certificate that the settings name, by key."""
    named = {
        "mqtt.tls_cert": settings.mqtt.tls_cert,
        "mqtt.tls_ca": settings.mqtt.tls_ca,
        "mqtt.tls_client_ca": settings.mqtt.tls_client_ca,
        "alarms.smtp_ca": settings.alarms.smtp_ca,
    }
    return {key: file for key, file in named.items() if file is not None}


def read_certificate(key: str, file: Path) -> Certificate:
    """The one of a PEM file that ends first; SettingsError where the file holds none."""
    from cryptography import x509  # 12 MB that a collector without certificates need not carry

    try:
        held = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as exc:
        raise SettingsError(f"{key} {file}: {exc.strerror}") from exc
    except ValueError as exc:
        raise SettingsError(f"{key} {file}: expected certificates in PEM: {exc}") from exc
    first = min(held, key=lambda one: one.not_valid_after_utc)
    end = int(first.not_valid_after_utc.timestamp()) + 1  # the last second counts (RFC 5280, 4.1.2.5)
    return Certificate(key, file, first.subject.rfc4514_string(), end)
