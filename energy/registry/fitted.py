"""Fitted profiles and models: versions that never change once a result was computed with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, insert, select

from energy.registry.tables import ModelRow

_CHUNK: Final = 500  # values in one IN list; both databases take more, the planner likes less


@dataclass(frozen=True, slots=True)
class FittedModel:
    """What was fitted to `subject` (a meter, a building ...) on the readings of [start, end), as bytes or JSON.

    `version` is given by the registry: 1 for the first model of its subject and kind, then rising.
    """

    subject: str
    kind: str
    start: int
    end: int
    payload: bytes
    version: int = 0

    @classmethod
    def of(cls, subject: str, kind: str, *, start: int, end: int, payload: Mapping[str, object] | bytes) -> FittedModel:
        """A model not saved yet; a mapping is kept as JSON."""
        if not isinstance(payload, bytes):
            payload = json.dumps(payload, ensure_ascii=False, sort_keys=True, allow_nan=False).encode()
        return cls(subject, kind, start, end, payload)

    def json(self) -> Any:
        """The payload of a model that was kept as JSON."""
        return json.loads(self.payload)


def save(connection: Connection, models: Sequence[FittedModel]) -> list[int]:
    """Versions of the models; one that equals the newest of its subject and kind keeps that version."""
    newest: dict[tuple[str, str], FittedModel] = {}
    for kind in {model.kind for model in models}:
        subjects = [model.subject for model in models if model.kind == kind]
        newest |= {(m.subject, kind): m for m in load(connection, kind, subjects).values()}
    versions, rows = [], []
    for model in models:
        last = newest.get((model.subject, model.kind))
        if last is None or _content(last) != _content(model):
            version = last.version + 1 if last else 1
            last = FittedModel(model.subject, model.kind, model.start, model.end, model.payload, version)
            newest[model.subject, model.kind] = last
            rows.append(asdict(last))
        versions.append(last.version)
    if rows:
        connection.execute(insert(ModelRow), rows)
    return versions


def load(
    connection: Connection, kind: str, subjects: Sequence[str] | None = None, version: int | None = None
) -> dict[str, FittedModel]:
    """By subject, the newest model of a kind, or the one of a version; subjects without one are absent."""
    if subjects is None:
        return {row.subject: _model(row) for row in connection.execute(_statement(kind, None, version))}
    found: dict[str, FittedModel] = {}
    for at in range(0, len(subjects), _CHUNK):
        for row in connection.execute(_statement(kind, subjects[at : at + _CHUNK], version)):
            found[row.subject] = _model(row)
    return found


def _statement(kind: str, subjects: Sequence[str] | None, version: int | None) -> Any:
    table = ModelRow.__table__
    wanted = [table.c.kind == kind] + ([table.c.subject.in_(subjects)] if subjects is not None else [])
    if version is not None:
        return select(table).where(*wanted, table.c.version == version)
    newest = (
        select(table.c.subject, func.max(table.c.version).label("version"))
        .where(*wanted)
        .group_by(table.c.subject)
        .subquery()
    )
    same = and_(table.c.subject == newest.c.subject, table.c.version == newest.c.version)
    return select(table).join(newest, same).where(table.c.kind == kind)


def _model(row: Row[Any]) -> FittedModel:
    return FittedModel(row.subject, row.kind, row.start, row.end, row.payload, row.version)


def _content(model: FittedModel) -> tuple[int, int, bytes]:
    return model.start, model.end, model.payload
