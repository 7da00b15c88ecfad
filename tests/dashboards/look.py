"""Open a dashboard in a real browser and say what is wrong with what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page

from tests.dashboards.viewer import panels

_JUDGE = """() => [...document.querySelectorAll('section[data-testid^="data-testid Panel header"]')].map(panel => ({
  title: panel.dataset.testid.replace('data-testid Panel header ', ''),
  error: !!panel.querySelector('[data-testid="data-testid Panel status error"]'),
  loading: !!panel.querySelector('[aria-label="Panel loading bar"]'),
  rows: panel.querySelectorAll('[role="row"]').length,
  drawn: panel.querySelectorAll('canvas, svg path').length,
  text: (panel.querySelector('[data-testid="data-testid panel content"]') || panel).innerText.trim(),
}))"""
_TABLE = """title => {
  const panel = document.querySelector(`section[data-testid="data-testid Panel header ${title}"]`);
  const cells = (row, role) => [...row.querySelectorAll(`[role="${role}"]`)].map(cell => cell.innerText.trim());
  const [head, ...body] = [...panel.querySelectorAll('[role="row"]')];
  return [cells(head, 'columnheader'), ...body.map(row => cells(row, 'gridcell'))];
}"""
_GO = "url => { history.pushState({}, '', url); dispatchEvent(new PopStateEvent('popstate', {state: {}})) }"
_Judge = Callable[[Mapping[str, Any] | None, str], str]
_EMPTY = ("无数据", "no data", "No data")


@dataclass(frozen=True)
class Range:
    """What a page is asked to show, in seconds."""

    start: int
    end: int

    def query(self) -> str:
        return f"from={self.start}000&to={self.end}000"


def open_board(
    page: Page,
    url: str,
    dashboard: Mapping[str, Any],
    span: Range,
    *,
    width: int = 1600,
    chosen: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Begin to load a dashboard without Grafana's own frame, tall enough that every panel is in view.

    `chosen` names the values of its variables; of the others the first one is shown.
    """
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    page.set_viewport_size({"width": width, "height": bottom * 38 + 110})
    values = "".join(f"&var-{name}={quote(value)}" for name, value in chosen.items())
    address = f"{url}/d/{dashboard['uid']}?{span.query()}{values}&kiosk"
    if page.url.startswith(url):  # as a click on a link does it, without loading Grafana itself again
        page.evaluate(_GO, address)
    else:
        page.goto(address, wait_until="commit")


def complaints(page: Page, dashboard: Mapping[str, Any], *, timeout_s: float = 60) -> list[str]:
    """What is wrong once the page has settled; an empty list as soon as every panel shows something."""
    return _settled(page, dashboard, _trouble_or_emptiness, timeout_s)


def unsettled(page: Page, dashboard: Mapping[str, Any], *, timeout_s: float = 60) -> list[str]:
    """The same where panels may be empty: an empty list as soon as every panel says so, or shows something."""
    return _settled(page, dashboard, _trouble, timeout_s)


def _settled(page: Page, dashboard: Mapping[str, Any], judge: _Judge, timeout_s: float) -> list[str]:
    limit = time.monotonic() + timeout_s
    while True:
        shown = {panel["title"]: panel for panel in page.evaluate(_JUDGE)}
        wanted = panels(dashboard)
        told = [(panel["title"], judge(shown.get(panel["title"]), panel["type"])) for panel in wanted]
        found = [f"{title}: {what}" for title, what in told if what]
        if not found or time.monotonic() > limit:
            return found
        page.wait_for_timeout(200)


def _trouble(panel: Mapping[str, Any] | None, _kind: str) -> str:
    """What is wrong with a panel, whether it holds anything or not."""
    if panel is None:
        return "not there"
    return next((word for word in ("error", "loading") if panel[word]), "" if panel["text"] else "nothing said")


def _trouble_or_emptiness(panel: Mapping[str, Any] | None, kind: str) -> str:
    if panel is None or panel["error"] or panel["loading"]:
        return _trouble(panel, kind)
    return "" if _shows(panel, kind) else f"empty, {panel['text'][:60]!r}"


def _shows(panel: Mapping[str, Any], kind: str) -> bool:
    if kind == "table":
        return bool(panel["rows"] > 1)
    if any(line in _EMPTY for line in panel["text"].splitlines()):
        return False
    return bool(panel["text"]) if kind == "stat" else bool(panel["drawn"])


def table_of(page: Page, title: str) -> list[list[str]]:
    """Heads of the columns, and the rows as they stand below each other."""
    return [list(row) for row in page.evaluate(_TABLE, title)]


def picture(page: Page, path: Path) -> None:
    """Save what is on the page, once animations are over."""
    page.wait_for_timeout(700)
    page.screenshot(path=path)
