"""The operator's key: whoever may read the installation's folder may use the ingest port in the operator's name."""

from __future__ import annotations

import hmac
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from collector.access import Trust
from energy.errors import SpoolError
from energy.registry import Registry
from energy.settings import Settings
from jieneng.secret_files import kept


def key(home: Path) -> str:
    """The key of an installation, made at the first call; the file is readable by its owner only."""
    return kept(home / "secrets" / "operator")


class OperatorOrGateway:
    """Lets the operator's key do everything, and everybody else what the collector's own rule allows."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._key = f"Bearer {key(settings.home)}".encode()
        self._rule = Trust(settings, registry.gateways)

    def __call__(self, authorization: str | None, action: str, gateway: str) -> bool:
        """True if the caller may do this."""
        if hmac.compare_digest((authorization or "").encode(), self._key):
            return True
        return self._rule(authorization, action, gateway)


def ask(settings: Settings, path: str, body: object) -> Any:
    """POST to the running ingest process in the operator's name; its decoded answer."""
    url = f"http://{settings.ingest.http_host}:{settings.ingest.http_port}{path}"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key(settings.home)}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- http, as built above
            return json.loads(answer.read())
    except urllib.error.HTTPError as exc:
        raise SpoolError(f"{url}: {exc.code} {exc.read().decode(errors='replace')[:500]}") from exc
    except (urllib.error.URLError, OSError) as exc:
        raise SpoolError(f"{url}: {exc}; is the collector running? (jieneng up, jieneng collect)") from exc
