"""Real Chromium for the tour and the screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.servers import tool


def chromium_path() -> str:
    """Debian's Chromium; the test is skipped without one, and fails where servers are required."""
    return tool("chromium", "chromium-browser", "google-chrome", where="Debian's chromium has it")


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """A headless browser. The sandbox needs rights a container does not give; only our own pages are opened."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
