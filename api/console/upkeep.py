"""What somebody has to set or renew: clocks of gateways; and, for the installation, backups and certificates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analytics.clocks import by_gateway
from api.alarms.rules import threshold
from api.console.frame import Page
from energy.backups import last_backup
from energy.certificates import read_certificate
from energy.errors import SettingsError
from energy.intervals import DAY
from energy.storage.status import clocks_by_meter


@dataclass(frozen=True, slots=True)
class Renewal:
    """One thing with an age.

    Attributes
    ----------
    key : str
        "backup", or the setting that names the certificate's file.
    what : str
        Where the backup lies, whose the certificate is, or why that cannot be said.
    time : int, optional
        When the last backup was made, until when the certificate holds; None: never, or not readable. [s]
    days : float, optional
        Age of the backup; days left of the certificate.
    """

    key: str
    what: str
    time: int | None
    days: float | None
    is_due: bool


@dataclass(frozen=True, slots=True)
class Clocks:
    """Gateways whose clock is off by `limit` seconds and more, the worst first, beside how many are known at all."""

    off: tuple[tuple[str, float], ...]
    known: int
    n_gateways: int
    limit: float


def clocks(page: Page) -> Clocks:
    """The clocks of the visible gateways."""
    now, limit = page.ctx.now(), threshold(page.ctx.registry.alarms.rules(), "clock")
    gateway_of = {m.id: m.gateway for m in page.scope.meters() if m.gateway is not None}
    gateways = {g.id for g in page.scope.snapshot.gateways.values() if g.institution in page.scope.institutions}
    found = by_gateway(gateway_of, clocks_by_meter(page.ctx.store, now), page.ctx.leads(now - DAY))
    known = {name: ahead for name, ahead in found.items() if name in gateways}
    off = sorted(((name, s) for name, s in known.items() if abs(s) >= limit), key=lambda pair: -abs(pair[1]))
    return Clocks(tuple(off), len(known), len(gateways), limit)


def renewals(page: Page) -> list[Renewal]:
    """All of them, the backup first; nothing for who does not see the whole installation."""
    return list(_found(page)) if page.scope.is_whole else []


def _found(page: Page) -> Iterator[Renewal]:
    now, rules = page.ctx.now(), page.ctx.registry.alarms.rules()
    if page.ctx.home is not None:
        try:
            last = last_backup(page.ctx.home)
        except SettingsError as exc:
            yield Renewal("backup", str(exc), None, None, is_due=True)
        else:
            age = None if last is None else (now - last.time) / DAY
            due = age is None or age > threshold(rules, "backup")
            yield Renewal("backup", last.folder if last else "", last.time if last else None, age, due)
    for key, file in page.ctx.certificates.items():
        try:
            held = read_certificate(key, file)
        except SettingsError as exc:
            yield Renewal(key, str(exc), None, None, is_due=True)
        else:
            left = held.days_left(now)
            yield Renewal(key, held.subject, held.end, left, left <= threshold(rules, "certificate"))
