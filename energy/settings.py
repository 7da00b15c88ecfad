"""The one typed settings tree; the only reader of the environment.

One TOML file (`settings.toml` in the home folder), environment variables on top (`JIENENG_INGEST__PORT=1884`).
Unknown keys are an error that names the nearest known one. Secrets have no default and are never printed.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from energy.errors import SettingsError

ENV_PREFIX = "JIENENG_"


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MqttSettings(_Group):
    """Where readings come from."""

    source: Literal["endpoint", "broker"] = Field("endpoint", description="own ingest endpoint, or a broker")
    host: str = Field("127.0.0.1", description="address the endpoint listens on, or the broker's address")
    port: int = Field(1883, ge=0, le=65535, description="port of the endpoint or broker; 0 lets the system choose")
    protocol: Literal["5", "3.1.1"] = Field("5", description="MQTT version spoken to a broker")
    client: Literal["paho", "fast"] = Field("paho", description="MQTT client towards a broker; fast costs less CPU")
    client_id: str = Field("jieneng-collector", description="client id towards a broker; must stay the same")
    group: str | None = Field(None, description="shared-subscription group when several collectors share the load")
    extra_topics: tuple[str, ...] = Field((), description="further topic filters subscribed at a broker")
    username: str | None = Field(None, description="user name towards a broker")
    password: SecretStr | None = Field(None, description="password towards a broker")
    password_file: Path | None = Field(None, description="file that holds the password, instead of `password`")
    broker_passwords: Path | None = Field(
        None, description="password file of Mosquitto into which issued credentials are written"
    )
    tls_ca: Path | None = Field(None, description="CA certificate the broker is verified with; turns TLS on")
    tls_cert: Path | None = Field(
        None, description="certificate of the endpoint, turns TLS on there; or shown to a broker that asks for one"
    )
    tls_key: Path | None = Field(None, description="private key of `tls_cert`")
    tls_client_ca: Path | None = Field(
        None, description="CA of the gateways' certificates: the endpoint then takes no connection without one"
    )
    keepalive_s: int = Field(60, ge=5, le=3600, description="keep-alive towards a broker")
    receive_maximum: int = Field(65535, ge=1, le=65535, description="messages in flight before acknowledgement")
    max_packet_bytes: int = Field(1_100_000, ge=1024, description="largest MQTT packet accepted")
    max_connections: int = Field(20_000, ge=1, description="connections the endpoint accepts at once")
    connect_timeout_s: float = Field(10.0, gt=0, description="time a connection has to send CONNECT")
    require_credentials: bool = Field(True, description="refuse gateways without a credential from the registry")


class IngestSettings(_Group):
    """Decode, check, spool, forward."""

    collector_id: str = Field("c1", description="name of this collector in the `ingest` measurement")
    http_host: str = Field("127.0.0.1", description="address of the ingest process's own HTTP port")
    http_port: int = Field(8081, ge=0, le=65535, description="health, metrics, parked messages, HTTP push")
    flush_s: float = Field(0.015, gt=0, le=1, description="shortest time from one group commit to the next")
    flush_readings: int = Field(5_000, ge=1, description="readings that trigger a group commit")
    max_message_bytes: int = Field(1_048_576, ge=1024, description="largest payload decoded")
    max_message_readings: int = Field(10_000, ge=1, description="readings allowed in one message")
    clock_past: AwareDatetime = Field(
        datetime(2010, 1, 1, tzinfo=UTC), description="readings before this instant (with its offset) are parked"
    )
    clock_future_s: int = Field(300, ge=0, description="readings further ahead of the server are parked")
    too_late_s: int | None = Field(None, description="readings older than this are parked; off by default")
    recent_per_meter: int = Field(16, ge=2, description="newest readings held per meter to recognise duplicates")
    spool_quota_bytes: int = Field(4_000_000_000, ge=1_000_000, description="spool size at which acknowledging stops")
    spool_ballast_bytes: int = Field(16_000_000, ge=0, description="reserve freed when the disk is full")
    disk_reserve_bytes: int = Field(200_000_000, ge=0, description="free disk below which readiness turns false")
    parked_quota_bytes: int = Field(500_000_000, ge=1_000_000, description="raw bodies kept of parked messages")
    parked_body_bytes: int = Field(65_536, ge=256, description="bytes kept of one parked body")
    forward_readings: int = Field(20_000, ge=1, description="readings in one request to the store")
    forward_backoff_s: float = Field(1.0, gt=0, description="first wait after a failed request; doubles to 30 s")


class StoreSettings(_Group):
    """The time-series store."""

    kind: Literal["embedded", "influx"] = Field("embedded", description="embedded store or InfluxDB 2")
    url: str = Field("http://127.0.0.1:8086", description="InfluxDB address")
    org: str = Field("jieneng", description="InfluxDB organisation")
    bucket: str = Field("jieneng", description="InfluxDB bucket")
    token: SecretStr | None = Field(None, description="InfluxDB token that may write")
    token_file: Path | None = Field(None, description="file that holds the token, instead of `token`")
    admin_token_file: Path | None = Field(
        None, description="file of the token that may make buckets and tokens; only `jieneng doctor --fix` reads it"
    )
    read_token: SecretStr | None = Field(None, description="InfluxDB token that may only read")
    read_token_file: Path | None = Field(None, description="file that holds the reading token")
    timeout_s: float = Field(30.0, gt=0, description="longest wait for one answer")
    retention_days: int = Field(0, ge=0, description="retention of the bucket made by doctor; 0 = for ever")


class RegistrySettings(_Group):
    """The SQL registry."""

    url: SecretStr | None = Field(None, description="SQLAlchemy URL; default: registry.db in the home folder")


class WebSettings(_Group):
    """Console and API."""

    host: str = Field("127.0.0.1", description="address the console listens on; loopback until told otherwise")
    port: int = Field(8080, ge=0, le=65535, description="port of the console and API")
    https: bool = Field(False, description="browsers reach the console by https (a proxy in front): cookies say so")


class WorkSettings(_Group):
    """Scheduled arithmetic."""

    every_s: float = Field(5.0, gt=0, description="how often touched windows are looked for")
    workers: int = Field(1, ge=1, description="processes the jobs use")
    least_yuan: float = Field(
        2.0,
        ge=0,
        description="findings worth less (yuan x certainty, where a price is known) wait in the list, not in the inbox",
    )


class TargetSettings(_Group):
    """How the targets of the year are followed."""

    stages: tuple[float, ...] = Field(
        (0.8, 0.9, 1.0),
        min_length=1,
        description="shares of the annual target that raise a stage, rising; common practice, no text fixes them",
    )

    @field_validator("stages")
    @classmethod
    def _rising(cls, stages: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < stage <= 2 for stage in stages) or list(stages) != sorted(set(stages)):
            raise ValueError("expected rising shares above 0 and at most 2, such as 0.8, 0.9, 1.0")
        return stages


class AlarmSettings(_Group):
    """Who is told when something goes wrong, and how."""

    every_s: float = Field(60.0, gt=0, description="how often causes are looked for when no job has run")
    console_url: str | None = Field(None, description="address of the console, for links in messages")
    digest_hour: int = Field(8, ge=0, le=23, description="local hour from which the daily digest is sent")
    smtp_host: str | None = Field(None, description="mail server; empty = no e-mail")
    smtp_port: int = Field(587, ge=1, le=65535, description="port of the mail server")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="encryption towards the mail server; `none` only on this machine"
    )
    smtp_ca: Path | None = Field(None, description="CA certificate the mail server is verified with")
    smtp_user: str | None = Field(None, description="user name at the mail server")
    smtp_password: SecretStr | None = Field(None, description="password at the mail server")
    smtp_password_file: Path | None = Field(None, description="file that holds the password, instead of it")
    smtp_from: str = Field("jieneng@localhost", description="sender of e-mails")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="hosts webhooks may reach although their addresses are not public"
    )
    webhook_key: SecretStr | None = Field(None, description="key from which each webhook's signing secret is made")
    webhook_key_file: Path | None = Field(None, description="file that holds the key, instead of `webhook_key`")
    timeout_s: float = Field(10.0, gt=0, le=60, description="longest wait for a receiver")
    wecom_url: str = Field(
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send", description="address of WeCom group robots"
    )
    wecom_key_folder: Path | None = Field(None, description="folder with one file a WeCom robot that holds its key")
    heartbeat_url: str | None = Field(None, description="asked every `heartbeat_s`: whoever misses it raises an alarm")
    heartbeat_s: float = Field(300.0, ge=10, description="time between two heartbeats")


class GrafanaSettings(_Group):
    """Where dashboards are pushed."""

    url: str | None = Field(None, description="Grafana address; empty = no Grafana")
    token: SecretStr | None = Field(None, description="service account token")
    token_file: Path | None = Field(None, description="file that holds the token")
    store_url: str | None = Field(None, description="InfluxDB address as Grafana sees it; default: store.url")
    console_url: str | None = Field(None, description="console address in links; default: http://web.host:web.port")


class Settings(BaseSettings):
    """Everything that can be set; each group belongs to one part."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # a secret under a misspelt key must not reach a traceback
        nested_model_default_partial_update=True,
    )

    home: Path = Field(Path(".jieneng"), description="folder of all state: registry, spool, store, secrets, logs")
    zone: str = Field("Asia/Shanghai", description="time zone of sites that name none")
    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    registry: RegistrySettings = Field(default_factory=RegistrySettings)
    web: WebSettings = Field(default_factory=WebSettings)
    work: WorkSettings = Field(default_factory=WorkSettings)
    targets: TargetSettings = Field(default_factory=TargetSettings)
    alarms: AlarmSettings = Field(default_factory=AlarmSettings)
    grafana: GrafanaSettings = Field(default_factory=GrafanaSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit values first, then the environment, then the TOML file."""
        assert isinstance(init_settings, InitSettingsSource)  # what pydantic-settings passes here
        home = Path(init_settings.init_kwargs.get("home", "."))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / "settings.toml")

    @property
    def registry_url(self) -> str:
        """SQLAlchemy URL of the registry (may hold a password: never print it)."""
        if self.registry.url is not None:
            return self.registry.url.get_secret_value()
        return f"sqlite:///{self.home / 'registry.db'}"


def load(home: Path | None = None, **overrides: Any) -> Settings:
    """Settings of one installation; SettingsError names the key and what to do.

    `home` wins over the variable JIENENG_HOME, that over `.jieneng` in the current folder.
    """
    folder = home or Path(os.environ.get(f"{ENV_PREFIX}HOME", ".jieneng"))
    _refuse_unknown_variables()
    try:
        return Settings(home=folder.absolute(), **overrides)
    except ValidationError as exc:
        raise SettingsError("; ".join(_explain(error) for error in exc.errors())) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{folder / 'settings.toml'}: {exc}") from exc


def secret(value: SecretStr | None, file: Path | None, name: str) -> str:
    """A secret from its setting or its file; SettingsError naming the key when neither is given."""
    if value is not None:
        return value.get_secret_value()
    if file is None:
        raise SettingsError(f"{name} is not set: give {name} or {name}_file")
    try:
        return file.read_text().strip()
    except OSError as exc:
        raise SettingsError(f"{name}_file {file}: {exc.strerror}") from exc


def known_keys() -> dict[str, tuple[str, str]]:
    """Every setting as `group.key` with its default and its help text, for docs and `.env.example`."""
    rows: dict[str, tuple[str, str]] = {}
    for name, info in Settings.model_fields.items():
        group = info.annotation
        if isinstance(group, type) and issubclass(group, _Group):
            for key, field in group.model_fields.items():
                rows[f"{name}.{key}"] = (_as_variable(field.default), field.description or "")
        else:
            rows[name] = (_as_variable(info.default), info.description or "")
    return rows


def _as_variable(default: object) -> str:
    """A default as an environment variable would state it."""
    if default is None:
        return ""
    if isinstance(default, datetime):
        return default.isoformat().replace("+00:00", "Z")
    return json.dumps(default) if isinstance(default, tuple) else str(default)


def variable(key: str) -> str:
    """The environment variable of a setting: `ingest.flush_s` -> `JIENENG_INGEST__FLUSH_S`."""
    return ENV_PREFIX + key.upper().replace(".", "__")


_OWN_VARIABLES = {"JIENENG_TEST_SERVERS", "JIENENG_REQUIRE_SERVERS"}  # read by scripts and tests, not settings


def _refuse_unknown_variables() -> None:
    known = {variable(key) for key in known_keys()}
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and name not in known | _OWN_VARIABLES:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"environment variable {name} is not a setting{hint}")


def _explain(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, known_keys(), 1)
        return f"{key} is not a setting" + (f"; did you mean {near[0]}?" if near else "")
    return f"{key}: {error['msg']}"
