"""A form of a page, as a browser without JavaScript would send it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of(page: httpx.Response) -> str:
    """What a reader of the page sees, blanks made single."""
    parser = _Text()
    parser.feed(page.text)
    return re.sub(r"\s+", " ", " ".join(parser.parts))


def csrf_of(page: httpx.Response) -> str:
    """The token that the page's forms carry."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found is not None, page.text[:300]
    return found[1]


def send(browser: httpx.Client, page: str, action: str, /, **fields: object) -> httpx.Response:
    """Open a page and send one of its forms."""
    shown = browser.get(page)
    assert f'action="{action}"' in shown.text, f"{page} has no form for {action}"
    return browser.post(action, data={"csrf": csrf_of(shown), **{name: str(value) for name, value in fields.items()}})
