"""What Grafana does before it asks: resolve the variables of a dashboard, fill them into its queries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.servers import Influx

Json = dict[str, Any]


@dataclass
class Viewer:
    """A viewer of the range [start, end] (seconds) who leaves every choice at its first value."""

    influx: Influx
    start: int
    end: int
    chosen: dict[str, str | list[str]] = field(default_factory=dict)

    def open(self, dashboard: Mapping[str, Any]) -> None:
        """Choose the first value of each variable, all of those that hold many."""
        self.chosen = {}
        for variable in dashboard["templating"]["list"]:
            name = variable["name"]
            if variable["type"] == "query":
                values = self.values(variable)
                self.chosen[name] = values if variable["multi"] else next(iter(values), "")
            else:
                self.chosen[name] = variable["current"]["value"]

    def ask(self, query: str) -> list[Json]:
        """The series that answer a query."""
        form = urlencode({"db": self.influx.bucket, "q": self.fill(query), "epoch": "ms"})
        request = Request(f"{self.influx.url}/query", data=form.encode(), method="POST")
        request.add_header("Authorization", f"Token {self.influx.token}")
        request.add_header("Content-Type", "application/x-www-form-urlencoded")
        with urlopen(request, timeout=30) as answer:
            (result,) = json.loads(answer.read())["results"]
        assert "error" not in result, f"{result['error']}: {self.fill(query)}"
        return list(result.get("series", []))

    def fill(self, query: str) -> str:
        """The query as it is sent."""
        return filled(query, self.chosen, self.start, self.end)

    def values(self, variable: Mapping[str, Any]) -> list[str]:
        """What the viewer may choose in a variable that asks."""
        texts = [str(row[-1]) for series in self.ask(variable["query"]["query"]) for row in series["values"]]
        if not variable["regex"]:
            return texts
        pattern = re.compile(variable["regex"].strip("/").replace("(?<", "(?P<"))
        found = [pattern.search(text) for text in texts]
        return [match["value"] for match in found if match]


def panels(dashboard: Mapping[str, Any]) -> Iterator[Json]:
    """The panels that ask something."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def filled(query: str, chosen: Mapping[str, str | list[str]], start: int, end: int) -> str:
    """The query with variables, range and step in their places."""
    query = query.replace("$timeFilter", f"time >= {start}000ms AND time <= {end}000ms")
    query = query.replace("${__to}", f"{end}000").replace("$__interval", "1h")
    return re.sub(r"\$\{(\w+):(raw|regex)\}", lambda found: _written(chosen[found[1]], found[2]), query)


def _written(value: str | list[str], form: str) -> str:
    if form == "raw":
        assert isinstance(value, str), f"raw: expected one value, came {value}"
        return value
    values = [value] if isinstance(value, str) else value
    return "(" + "|".join(re.escape(v).replace(r"\-", "-") for v in values) + ")"
