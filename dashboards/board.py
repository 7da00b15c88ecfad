"""A dashboard: variables, sections of panels that flow into 24 columns, links; and the JSON that Grafana reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dashboards.panels import SOURCE, Json, Panel
from dashboards.queries import Select
from dashboards.words import LANGUAGES, Words

WIDTH: Final = 24
SCHEMA_VERSION: Final = 42
BOARDS: Final = (
    "overview",
    "institution",
    "meter",
    "targets",
    "findings",
    "water",
    "quality",
    "collector",
)
"""All dashboards, in the order of their links."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an installation states: its time zone, and where its console is."""

    zone: str = "Asia/Shanghai"
    console: str = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under one heading (None: no heading)."""

    heading: str | None
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard before it has a language's uid and an installation's place."""

    key: str
    variables: tuple[Json, ...]
    sections: tuple[Section, ...]
    since: str = "now-30d/d"
    findings: Select | None = None
    refresh: str = "5m"
    console: str = "/"
    """The console page on which one acts on what the dashboard shows."""

    def json(self, w: Words, place: Place) -> Json:
        """The dashboard as Grafana stores it; equal input gives equal bytes."""
        return {
            "uid": uid(self.key, w.language),
            "title": w(f"board.{self.key}"),
            "description": w(f"board.{self.key}.about"),
            "tags": ["jieneng", tag(w.language)],
            "timezone": place.zone,
            "schemaVersion": SCHEMA_VERSION,
            "version": 0,
            "editable": False,
            "graphTooltip": 1,
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "timepicker": {"refresh_intervals": ["1m", "5m", "15m", "1h"]},
            "weekStart": "monday",
            "links": list(_links(self.key, self.console, w)),
            "annotations": {"list": [_annotation(self.findings, w)] if self.findings else []},
            "templating": {"list": [*self.variables, _console(place, w)]},
            "panels": list(_flow(self.sections, w)),
        }


def uid(key: str, language: str) -> str:
    """The stable uid of a dashboard in one language."""
    return f"jieneng-{key}-{language}"


def tag(language: str) -> str:
    """The tag by which dashboards of one language find each other."""
    return f"jieneng-{language}"


def to_board(key: str, w: Words, **variables: str) -> str:
    """Address of another dashboard with the same time range; variables are filled from the row clicked on."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"/d/{uid(key, w.language)}?${{__url_time_range}}{chosen}"


def _console(place: Place, w: Words) -> Json:
    return {
        "type": "constant",
        "name": "console",
        "label": w("console"),
        "query": place.console,
        "hide": 2,
        "skipUrlSync": True,
        "current": {"text": place.console, "value": place.console},
    }


def _links(key: str, page: str, w: Words) -> Iterator[Json]:
    plain = {"icon": "external link", "tags": [], "asDropdown": False, "targetBlank": False, "tooltip": ""}
    yield {
        **plain,
        "type": "dashboards",
        "title": w("boards"),
        "tags": [tag(w.language)],
        "asDropdown": True,
        "keepTime": True,
        "includeVars": True,
    }
    for language in LANGUAGES:
        if language != w.language:
            yield {
                **plain,
                "type": "link",
                "title": w("other_language"),
                "url": f"/d/{uid(key, language)}",
                "icon": "question",
                "keepTime": True,
                "includeVars": True,
            }
    yield {
        **plain,
        "type": "link",
        "title": w("console"),
        "url": f"${{console}}{page}?lang={w.language}",
        "targetBlank": True,
        "keepTime": False,
        "includeVars": False,
    }


def _annotation(findings: Select, w: Words) -> Json:
    name = w("board.findings")
    target = {
        "fromAnnotations": True,
        "name": name,
        "query": str(findings),
        "textColumn": "text",
        "titleColumn": "title",
        "tagsColumn": "",
        "timeEndColumn": "end_ms",
    }
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "#E57C23",
        "target": target,
        **target,
    }


def _flow(sections: tuple[Section, ...], w: Words) -> Iterator[Json]:
    """Panels with ids and places: rows are filled from the left, the tallest panel makes a row's height."""
    number, top = 1, 0
    for section in sections:
        if section.heading is not None:
            grid = {"x": 0, "y": top, "w": WIDTH, "h": 1}
            title = w(f"section.{section.heading}")
            yield {"type": "row", "id": number, "title": title, "collapsed": False, "gridPos": grid, "panels": []}
            number, top = number + 1, top + 1
        left = tallest = 0
        for panel in section.panels:
            if left + panel.width > WIDTH:
                left, top, tallest = 0, top + tallest, 0
            grid = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield _panel(panel, number, grid, w)
            number, left, tallest = number + 1, left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel, number: int, grid: Json, w: Words) -> Json:
    defaults: dict[str, Any] = {"noValue": w("no_data"), **(panel.defaults or {})}
    return {
        "id": number,
        "type": panel.kind,
        "title": w(panel.key),
        "description": w(f"{panel.key}.about"),
        "datasource": SOURCE,
        "gridPos": grid,
        "targets": [target.json(place) for place, target in enumerate(panel.targets)],
        "options": dict(panel.options or {}),
        "fieldConfig": {"defaults": defaults, "overrides": list(panel.overrides)},
        "transformations": list(panel.transformations),
    }
