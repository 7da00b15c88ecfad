"""The verb `derive-quota`: levels of a quota from what institutions of one kind used, for somebody to approve."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from energy.settings import load
from jieneng.commands.options import Home

if TYPE_CHECKING:
    from analytics.jobs.derivation import ProposedQuota

Share = Annotated[float, typer.Option(help="Share of the sample at or below this level.", min=0, max=1)]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    example = "jieneng derive-quota 990000 党政机关 electricity_per_area --month 2026-10 --out quota.xlsx"
    app.command("derive-quota", epilog=f"Example: {example}")(derive_quota)


def derive_quota(
    region: Annotated[str, typer.Argument(help="Code of the region whose institutions make the sample.")],
    quota_class: Annotated[str, typer.Argument(help="Their class in the quota book (quota_class).")],
    indicator: Annotated[str, typer.Argument(help="Key of the indicator.")],
    month: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="Last of the twelve months.")],
    home: Home = None,
    caliber: Annotated[str, typer.Option(help="Key of the caliber.")] = "physical",
    tier: Annotated[str, typer.Option(help="Only institutions of this tier.")] = "",
    zone: Annotated[str, typer.Option(help="Only institutions of this climate zone.")] = "",
    constraint: Share = 0.8,
    baseline: Share = 0.5,
    guide: Share = 0.2,
    standard: Annotated[str, typer.Option(help="Name of the standard in the making.")] = "建议值",
    out: Annotated[Path | None, typer.Option(help="xlsx file or csv folder to write the row of quotas to.")] = None,
) -> None:
    """Derive constraint, baseline and guide value (建议值) from the peers of one kind; nothing holds until approved."""
    from analytics.jobs.derivation import Kind, proposed_quota
    from analytics.levels import Shares
    from energy.intervals import LocalCalendar
    from energy.registry import Registry, write_sheets
    from energy.storage import open_store

    settings = load(home)
    try:
        shares = Shares(constraint, baseline, guide)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    kind = Kind(region, quota_class, indicator, caliber, tier, zone)
    store, registry = open_store(settings, role="read"), Registry.open(settings.registry_url)
    with contextlib.closing(registry), contextlib.closing(store):
        calendar = LocalCalendar(settings.zone)
        found = proposed_quota(store, registry.snapshot(), calendar, kind, month.date(), shares=shares)
    typer.echo(_words(found))
    if out is not None:
        write_sheets({"quotas": [found.row(standard)]}, out)
        typer.echo(f"{out}: name who approves it in approved_by, then `jieneng import quotas {out}`")


def _words(found: ProposedQuota) -> str:
    derivation = found.derivation
    cleaned, levels = derivation.cleaned, derivation.levels
    sample = f"{derivation.n_kept} of {len(found.institutions)} institutions, twelve months to {found.month:%Y-%m}"
    lines = [f"{sample}; left out: {derivation.n_dropped} (unknown, incomplete or abnormal by {cleaned.rule})"]
    if cleaned.statistic == cleaned.statistic:
        verdict = "rejected" if cleaned.statistic > cleaned.critical else "not rejected"
        lines.append(
            f"Kolmogorov-Smirnov {cleaned.statistic:.3f}, limit {cleaned.critical:.3f}: normal distribution {verdict}"
        )
    lines += [
        f"{name}: {value:.4g}"
        for name, value in (
            ("约束值 constraint", levels.constraint),
            ("基准值 baseline", levels.baseline),
            ("引导值 guide", levels.guide),
        )
        if value is not None
    ]
    return "\n".join(lines)
