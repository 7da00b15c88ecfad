"""Dashboards into Grafana over its HTTP interface: the only importer of `grafana_api`.

Everything goes by uid, through routes that Grafana 10 to 13 have; numeric ids, which 13 switched off, are not used.
What is already there as it should be is left alone, so pushing twice changes nothing.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace
from requests.exceptions import RequestException

from dashboards.board import Place, tag
from dashboards.build import build
from dashboards.panels import SOURCE, Json
from dashboards.words import Words
from energy.errors import GrafanaError

_GIVEN_BY_GRAFANA: Final = ("id", "version")
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where Grafana finds InfluxDB, and the token that may only read."""

    url: str
    bucket: str
    read_token: str

    def json(self) -> Json:
        """The data source as Grafana takes it; a fingerprint tells a changed token, which cannot be read back."""
        return {
            **SOURCE,
            "name": "Jieneng",
            "access": "proxy",
            "url": self.url,
            "jsonData": {
                "version": "InfluxQL",
                "dbName": self.bucket,
                "httpMode": "POST",
                "httpHeaderName1": "Authorization",
                "tokenFingerprint": hashlib.sha256(self.read_token.encode()).hexdigest()[:12],
            },
        }

    def secret(self) -> Json:
        """What Grafana keeps encrypted."""
        return {"secureJsonData": {"httpHeaderValue1": f"Token {self.read_token}"}}


@dataclass(frozen=True, slots=True)
class Change:
    """What a push does, or would do, to one thing."""

    kind: Literal["data source", "folder", "dashboard"]
    uid: str
    deed: Literal["new", "changed", "same"]
    difference: tuple[str, ...] = ()


class Grafana:
    """One organisation of a Grafana, entered by a service account's token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise GrafanaError(f"grafana.url: expected http(s)://host[:port], came {url!r}")
        prefix = parts.path.strip("/")
        self._face = GrafanaFace(
            auth=token,
            host=parts.hostname,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            timeout=_TIMEOUT_S,
        )

    def push(self, source: Source, place: Place, *, dry_run: bool = False) -> Iterator[Change]:
        """Bring data source, folders and dashboards up to date; tells each thing as it is done."""
        yield self._push_source(source, dry_run)
        for language, dashboards in build(place).items():
            yield self._push_folder(tag(language), Words(language)("folder"), dry_run)
            for dashboard in dashboards:
                yield self._push_dashboard(dashboard, tag(language), dry_run)

    def _push_source(self, source: Source, dry_run: bool) -> Change:
        wanted, uid = source.json(), SOURCE["uid"]
        there = self._found(f"/datasources/uid/{uid}", f"data source {uid}")
        if there is not None and there.get("readOnly"):
            raise GrafanaError(self._provisioned(f"data source {uid}"))
        shown = {key: there.get(key) for key in wanted} if there is not None else None
        change = _change("data source", uid, shown, wanted)
        if change.deed != "same" and not dry_run:
            with self._errors(f"data source {uid}"):
                if there is None:
                    self._face.api.POST("/datasources", json={**wanted, **source.secret()})
                else:
                    kept = {"isDefault": there.get("isDefault", False)}  # Grafana makes the first of all the default
                    self._face.api.PUT(f"/datasources/uid/{uid}", json={**wanted, **kept, **source.secret()})
        return change

    def _push_folder(self, uid: str, title: str, dry_run: bool) -> Change:
        there = self._found(f"/folders/{uid}", f"folder {uid}")
        shown = None if there is None else {"title": there["title"]}
        change = _change("folder", uid, shown, {"title": title})
        if change.deed != "same" and not dry_run:
            with self._errors(f"folder {uid}"):
                if there is None:
                    self._face.folder.create_folder(title, uid)
                else:
                    self._face.folder.update_folder(uid, title, overwrite=True)
        return change

    def _push_dashboard(self, wanted: Json, folder: str, dry_run: bool) -> Change:
        uid = wanted["uid"]
        there = self._found(f"/dashboards/uid/{uid}", f"dashboard {uid}")
        if there is not None and there["meta"].get("provisioned"):
            raise GrafanaError(self._provisioned(f"dashboard {uid}"))
        shown = None if there is None else {**there["dashboard"], "folder": there["meta"].get("folderUid")}
        change = _change("dashboard", uid, shown, {**wanted, "folder": folder})
        if change.deed != "same" and not dry_run:
            body = {"dashboard": {**wanted, "id": None}, "folderUid": folder, "overwrite": True}
            with self._errors(f"dashboard {uid}"):
                self._face.dashboard.update_dashboard({**body, "message": "jieneng dashboards push"})
        return change

    def _found(self, route: str, what: str) -> Json | None:
        with self._errors(what):
            try:
                answer: Json = self._face.api.GET(route)
            except GrafanaClientError as exc:
                if exc.status_code == 404:
                    return None
                raise
            return answer

    def _provisioned(self, what: str) -> str:
        return (
            f"Grafana {self.url}: {what} comes from files (deploy/grafana); "
            "use one way only: take the files away, or do not push"
        )

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        where = f"Grafana {self.url}, {what}"
        try:
            yield
        except GrafanaException as exc:
            hint = ""
            if exc.status_code in (401, 403):
                hint = ": give grafana.token a service account with the role Admin"
            raise GrafanaError(f"{where}: answer {exc.status_code}: {exc.message}{hint}") from exc
        except (RequestException, ValueError) as exc:
            raise GrafanaError(f"{where}: no usable answer: {exc}; is grafana.url right?") from exc


def _change(kind: Literal["data source", "folder", "dashboard"], uid: str, there: Json | None, wanted: Json) -> Change:
    if there is None:
        return Change(kind, uid, "new")
    old, new = (_plain(value).splitlines() for value in (there, wanted))
    difference = tuple(difflib.unified_diff(old, new, "in Grafana", "here", lineterm="", n=1))
    return Change(kind, uid, "changed" if difference else "same", difference)


def _plain(value: Mapping[str, Any]) -> str:
    """Without what Grafana adds, in one order."""
    kept = _whole({key: part for key, part in value.items() if key not in _GIVEN_BY_GRAFANA})
    return json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True)


def _whole(value: Any) -> Any:
    """With 1 for 1.0, as Grafana gives it back."""
    if isinstance(value, Mapping):
        return {key: _whole(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
