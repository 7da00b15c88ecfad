"""One TOML file, the environment on top, and no key that nobody knows."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from energy.errors import SettingsError
from energy.settings import known_keys, load, secret, variable


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("JIENENG_"):
            monkeypatch.delenv(name)


def write(home: Path, text: str) -> Path:
    (home / "settings.toml").write_text(text, encoding="utf-8")
    return home


def test_without_a_file_everything_has_its_default_and_listens_on_loopback(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.home == tmp_path
    assert settings.mqtt.host == settings.web.host == settings.ingest.http_host == "127.0.0.1"
    assert settings.store.kind == "embedded"
    assert settings.registry_url == f"sqlite:///{tmp_path / 'registry.db'}"


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = write(tmp_path, '[mqtt]\nport = 1884\nhost = "0.0.0.0"\n[ingest]\nflush_s = 0.5\n')
    assert (load(home).mqtt.port, load(home).mqtt.host) == (1884, "0.0.0.0")
    monkeypatch.setenv("JIENENG_MQTT__PORT", "1999")
    settings = load(home)
    assert (settings.mqtt.port, settings.mqtt.host) == (1999, "0.0.0.0")
    assert settings.ingest.flush_s == 0.5


def test_an_instant_is_a_date_of_toml_or_a_text(tmp_path: Path) -> None:
    for stated in ("2015-01-01T00:00:00+08:00", '"2015-01-01T00:00:00+08:00"'):
        own = load(write(tmp_path, f"[ingest]\nclock_past = {stated}\n"))
        assert own.ingest.clock_past.timestamp() == 1_420_041_600  # 2014-12-31T16:00:00Z


def test_an_explicit_value_wins_over_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIENENG_ZONE", "Europe/London")
    assert load(write(tmp_path, 'zone = "Asia/Urumqi"\n'), zone="Asia/Shanghai").zone == "Asia/Shanghai"


def test_the_home_is_named_by_argument_then_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIENENG_HOME", str(tmp_path / "a"))
    assert load().home == tmp_path / "a"
    assert load(tmp_path / "b").home == tmp_path / "b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[mqtt]\nprot = 1884\n", "mqtt.prot is not a setting; did you mean mqtt.port?"),
        ("[mqttt]\nport = 1884\n", "mqttt is not a setting"),
        ('[mqtt]\nport = "many"\n', "mqtt.port: .*integer"),
        ("[mqtt]\nport = 70000\n", "mqtt.port: .*65535"),
        ('[store]\nkind = "mysql"\n', "store.kind: .*'embedded' or 'influx'"),
        ('[ingest]\nclock_past = "2015-01-01T00:00:00"\n', "ingest.clock_past: .*timezone"),
        ("[mqtt\n", r"settings.toml: .*line 1"),
    ],
)
def test_a_wrong_file_stops_with_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(write(tmp_path, text))


def test_a_file_in_another_encoding_stops_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes('zone = "上海"\n'.encode("gbk"))
    with pytest.raises(SettingsError, match=r"settings.toml: .*utf-8"):
        load(tmp_path)


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"mqtt\.port.*web\.port"):
        load(write(tmp_path, "[mqtt]\nport = -1\n[web]\nport = -1\n"))


def test_an_unknown_variable_stops_with_the_nearest_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIENENG_MQTT__PROT", "1")
    with pytest.raises(SettingsError, match="JIENENG_MQTT__PROT is not a setting; did you mean JIENENG_MQTT__PORT"):
        load(tmp_path)


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    canary = "-".join(["canary", "7"])  # put together here: a traceback quotes this file's lines too
    home = write(tmp_path, f'[store]\ntoken = "{canary}"\n')
    assert canary not in repr(load(home)) + str(load(home).model_dump())
    with pytest.raises(SettingsError) as refused:
        load(write(tmp_path, f'[store]\ntokn = "{canary}"\n'))
    shown = "".join(traceback.format_exception(refused.value))
    assert "store.tokn is not a setting; did you mean store.token?" in shown
    assert canary not in shown


def test_a_secret_comes_from_its_setting_or_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    store = load(write(tmp_path, '[store]\ntoken = "direct"\n')).store
    assert secret(store.token, None, "store.token") == "direct"
    assert secret(None, file, "store.token") == "from-file"
    with pytest.raises(SettingsError, match=r"store.token is not set: give store.token or store.token_file"):
        secret(None, None, "store.token")
    with pytest.raises(SettingsError, match=r"store.token_file .*none: No such file"):
        secret(None, tmp_path / "none", "store.token")


def test_settings_cannot_be_changed_after_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path).mqtt.port = 1  # type: ignore[misc]


def test_every_setting_has_a_help_text_and_a_variable_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, (default, text) in known_keys().items():
        assert text, key
        if default and key != "home":
            monkeypatch.setenv(variable(key), default)
    assert load(tmp_path) == load(tmp_path, mqtt={})
