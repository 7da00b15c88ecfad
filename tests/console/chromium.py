"""Real Chromium for the tour and the screenshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright


def chromium_path() -> str:
    """Debian's Chromium; the test is skipped without one, and fails where servers are required."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        why = "chromium not found: apt-get install chromium"
        if os.environ.get("JIENENG_REQUIRE_SERVERS"):
            pytest.fail(why)
        pytest.skip(why)
    return found


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """A headless browser. The sandbox needs rights a container does not give; only our own pages are opened."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
