"""Until when real certificates hold: the one of a file that ends first, to the second."""

from __future__ import annotations

from pathlib import Path

import pytest

from energy.certificates import certificate_files, read_certificate
from energy.errors import SettingsError
from energy.settings import MqttSettings, Settings
from tests.certificates import make_certificate

DAY = 86_400
NOW = 1_780_282_800


def test_a_certificate_ends_after_its_last_second(tmp_path: Path) -> None:
    held = read_certificate("mqtt.tls_cert", make_certificate(tmp_path / "own.pem", end=NOW + 10 * DAY - 1))
    assert (held.end, held.days_left(NOW), held.subject) == (NOW + 10 * DAY, 10.0, "CN=meters.example.org")


def test_of_several_certificates_in_a_file_the_first_to_end_counts(tmp_path: Path) -> None:
    leaf = make_certificate(tmp_path / "leaf.pem", end=NOW + 300 * DAY)
    issuer = make_certificate(tmp_path / "issuer.pem", end=NOW + 20 * DAY - 1, name="issuer")
    leaf.write_bytes(leaf.read_bytes() + issuer.read_bytes())
    held = read_certificate("mqtt.tls_cert", leaf)
    assert (held.subject, held.days_left(NOW)) == ("CN=issuer", 20.0)


def test_what_is_no_certificate_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a certificate")
    with pytest.raises(SettingsError, match=r"mqtt\.tls_ca .*key\.pem: expected certificates in PEM"):
        read_certificate("mqtt.tls_ca", tmp_path / "key.pem")
    with pytest.raises(SettingsError, match="No such file"):
        read_certificate("mqtt.tls_ca", tmp_path / "gone.pem")


def test_only_files_that_the_settings_name_are_looked_at(tmp_path: Path) -> None:
    assert certificate_files(Settings(home=tmp_path)) == {}
    named = Settings(home=tmp_path, mqtt=MqttSettings(tls_cert=tmp_path / "a", tls_client_ca=tmp_path / "b"))
    assert certificate_files(named) == {"mqtt.tls_cert": tmp_path / "a", "mqtt.tls_client_ca": tmp_path / "b"}
