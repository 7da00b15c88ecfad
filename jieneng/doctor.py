"""Checks of everything an installation depends on: what is wrong, and how to mend it."""

from __future__ import annotations

import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from energy.backups import WARN_DAYS as BACKUP_DAYS
from energy.backups import last_backup
from energy.certificates import WARN_DAYS, certificate_files, read_certificate
from energy.errors import EnergyError, SettingsError
from energy.intervals import DAY
from energy.registry import Snapshot
from energy.settings import Settings
from jieneng.probes import listens
from jieneng.secret_files import kept


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: what was looked at, whether it is fine, what was found, and the mend."""

    name: str
    is_fine: bool
    found: str
    mend: str = ""


def examine(settings: Settings, *, fix: bool = False) -> Iterator[Check]:
    """All checks in order; with `fix`, what can be made is made first (folder, schema, bucket, tokens)."""
    yield _python()
    yield _home(settings, fix=fix)
    yield _disk(settings)
    yield _clock(settings)
    yield from _registry(settings, fix=fix)
    yield from _ports(settings)
    yield from _certificates(settings)
    yield _backup(settings)
    yield from _broker(settings)
    yield from _store(settings, fix=fix)
    yield from _grafana(settings)


def _python() -> Check:
    version = sys.version.split()[0]
    return Check("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _home(settings: Settings, *, fix: bool) -> Check:
    if fix:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    probe = settings.home / ".doctor"
    try:
        probe.write_text("x")
        probe.unlink()
    except OSError as exc:
        return Check("Home folder", False, f"{settings.home}: {exc.strerror}", "jieneng doctor --fix, or give --home")
    return Check("Home folder", True, str(settings.home))


def _disk(settings: Settings) -> Check:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    needed = settings.ingest.disk_reserve_bytes
    return Check("Disk", free > needed, f"{free / 1e9:.1f} GB free", f"free at least {needed / 1e9:.1f} GB")


def _clock(settings: Settings) -> Check:
    now = datetime.now(UTC)
    local = now.astimezone(ZoneInfo(settings.zone))
    found = f"{local:%Y-%m-%d %H:%M:%S} {settings.zone}"
    return Check("Clock", now.year >= 2026, found, "set the clock (timedatectl set-ntp true)")


def _registry(settings: Settings, *, fix: bool) -> Iterator[Check]:
    from energy.registry import Registry

    try:
        registry = Registry.open(settings.registry_url, migrate=fix)
    except EnergyError as exc:
        yield Check("Registry", False, str(exc), "jieneng migrate")
        return
    try:
        snapshot = registry.snapshot()
    finally:
        registry.close()
    yield Check("Registry", True, f"{len(snapshot.institutions)} institutions, {len(snapshot.meters)} meters")
    yield from _profiles(snapshot)


def _profiles(snapshot: Snapshot) -> Iterator[Check]:
    """Gateways whose messages are read as our own format, since their profile cannot be read."""
    from collector.decoders import decoder_of

    for gateway in snapshot.gateways.values():
        try:
            decoder_of(gateway.profile)
        except SettingsError as exc:
            mend = "correct column profile of the sheet gateways (docs/gateway.md), then jieneng import registry FILE"
            yield Check(f"Gateway {gateway.id}", False, str(exc), mend)


def _ports(settings: Settings) -> Iterator[Check]:
    wanted = [("Console port", settings.web.host, settings.web.port)]
    wanted.append(("Ingest HTTP port", settings.ingest.http_host, settings.ingest.http_port))
    if settings.mqtt.source == "endpoint":
        wanted.append(("MQTT port", settings.mqtt.host, settings.mqtt.port))
    for name, host, port in wanted:
        if port == 0 or not listens(host, port)():
            yield Check(name, True, f"{host}:{port} is free")
        else:
            yield Check(name, True, f"{host}:{port} is in use (by Jieneng, if it runs; else set another port)")


def _certificates(settings: Settings) -> Iterator[Check]:
    now = time.time()
    for key, file in certificate_files(settings).items():
        mend = f"renew {file} and restart: connections that use it are refused once it has ended"
        try:
            held = read_certificate(key, file)
        except SettingsError as exc:
            yield Check(f"Certificate {key}", False, str(exc), mend)
            continue
        left = held.days_left(int(now))
        found = f"{held.subject}: {left:.0f} days left" if left > 0 else f"{held.subject}: ended {-left:.0f} days ago"
        yield Check(f"Certificate {key}", left > WARN_DAYS, found, mend)


def _backup(settings: Settings) -> Check:
    """Its age; never having been made is no fault of an installation that was just set up."""
    mend = "jieneng backup FOLDER, each day, and keep the copies off this machine"
    try:
        last = last_backup(settings.home)
    except SettingsError as exc:
        return Check("Backup", False, str(exc), mend)
    if last is None:
        return Check("Backup", True, f"none was ever made: {mend}")
    age = (time.time() - last.time) / DAY
    return Check("Backup", age <= BACKUP_DAYS, f"{age:.1f} days old, in {last.folder}", mend)


def _broker(settings: Settings) -> Iterator[Check]:
    if settings.mqtt.source != "broker":
        return
    where = f"{settings.mqtt.host}:{settings.mqtt.port}"
    is_up = listens(settings.mqtt.host, settings.mqtt.port)()
    yield Check(
        "MQTT broker", is_up, f"{where} {'answers' if is_up else 'does not answer'}", "start it, or set mqtt.host"
    )


def _store(settings: Settings, *, fix: bool) -> Iterator[Check]:
    from energy.storage import open_store

    if settings.store.kind == "influx":
        yield from _influx(settings, fix=fix)
        return
    try:
        store = open_store(settings, role="read")
    except EnergyError as exc:
        yield Check("Embedded store", False, str(exc), "jieneng migrate")
        return
    store.close()
    yield Check("Embedded store", True, str(settings.home))


def _influx(settings: Settings, *, fix: bool) -> Iterator[Check]:
    from energy.storage import influx, open_store

    mend = "start InfluxDB, set store.url, org, bucket, admin_token_file and token_file, then jieneng doctor --fix"
    try:
        if fix:
            influx.ensure_bucket(settings.store)
            _make_tokens(settings)
        started = time.monotonic()
        store = open_store(settings, role="ingest")
        store.check()
        store.close()
    except EnergyError as exc:
        yield Check("InfluxDB", False, str(exc), mend)
        return
    took = time.monotonic() - started
    yield Check("InfluxDB", True, f"{settings.store.url} bucket {settings.store.bucket}, read back in {took:.2f} s")
    try:
        is_too_strong = influx.may_write(settings.store)
    except EnergyError as exc:
        yield Check("InfluxDB reading token", False, str(exc), "set store.read_token_file, then jieneng doctor --fix")
        return
    found = "may write too" if is_too_strong else "may only read"
    yield Check("InfluxDB reading token", not is_too_strong, found, "make one that may only read: jieneng doctor --fix")


def _make_tokens(settings: Settings) -> None:
    """Make the tokens whose files the settings name and that are not there yet, each with no more than its right."""
    from energy.storage import influx

    store = settings.store
    if store.token is None and store.token_file is not None:
        kept(store.token_file, partial(influx.make_token, store, "read", "write"))
    if store.read_token is None and store.read_token_file is not None:
        kept(store.read_token_file, partial(influx.make_token, store, "read"))


def _grafana(settings: Settings) -> Iterator[Check]:
    if settings.grafana.url is None:
        return
    url = f"{settings.grafana.url.rstrip('/')}/api/health"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 -- the operator's own setting
            yield Check("Grafana", answer.status == 200, settings.grafana.url)
    except (urllib.error.URLError, OSError, ValueError) as exc:
        yield Check("Grafana", False, f"{url}: {exc}", "start Grafana, or set grafana.url")
