"""What the OpenAPI page says before its list of routes."""

from __future__ import annotations

from typing import Any, Final

from api.problems import MEDIA_TYPE, ProblemOut

INTRODUCTION: Final = """
Everything the console shows, for programs.

**Signing in.** Make a token once (`POST /api/v1/tokens`, or the console's page of accounts) and send it with every
request: `Authorization: Bearer jn_...`. You see your node of the region and institution tree and what is below it;
anything else is answered as if it did not exist (404). What your role may not do is answered 403.

**Figures.** Every figure carries its unit, its period, its caliber (口径) where it has one, and its completeness:
`coverage` is the share of expected intervals that hold valid values, `n_expected` / `n_reporting` are 应报 / 实报.
`null` means unknown and is never zero. Instants are RFC 3339 texts in things (`2026-01-31T00:00:00Z`) and UTC epoch
seconds in series, which are long; days are local to the institution (`zone`), regions count by the installation's.

**Lists** come in pages: pass `next` of one answer as `cursor` of the following request until it is null. Every table
also comes as a file: `Accept: text/csv`, or `application/vnd.openxmlformats-officedocument.spreadsheetml.sheet`, or
`?format=csv` / `?format=xlsx` in a link. `Accept-Language: en` chooses English names, Chinese otherwise.

**Saving work.** Answers carry an `ETag`; send it back as `If-None-Match` and an unchanged answer is a short 304.

**Errors** are `application/problem+json`: what was expected, what came, where, and what to do. Bodies are read
strictly: unknown fields, keys given twice, numbers as text and infinite numbers are refused, and so are query
parameters that a route does not know.
""".strip()

TAGS: Final = [
    {"name": "session", "description": "Who you are"},
    {"name": "registry", "description": "Regions, institutions, buildings, meters"},
    {"name": "figures", "description": "Readings, consumption, expected consumption, indicators"},
    {"name": "decisions", "description": "Quotas, targets, findings, corrections, bills"},
    {"name": "reports", "description": "Reports as files, statutory forms, publications (公示)"},
    {"name": "exchange", "description": "Imports and exports of whole sheets"},
    {"name": "operation", "description": "Runs of the jobs, health of the collector"},
    {"name": "accounts", "description": "Users and tokens"},
]

_SAID: Final = {
    401: "Sign-in needed: send `Authorization: Bearer jn_...`",
    403: "Your role may not do this",
    404: "Not there, or not yours to see",
    406: "Accept allows no format that we have",
    409: "The thing is not in the state for this, or is there already",
    413: "The body is too large",
    422: "The request is not valid: `faults` says where",
    429: "Too many failed sign-ins: wait `Retry-After` seconds",
    503: "A database does not answer now, or the work took too long: try again",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route that may answer with these statuses."""
    return {
        status: {
            "model": ProblemOut,
            "description": _SAID[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
        }
        for status in statuses
    }
