"""Golden messages: a folder each, with the topic, the message, and what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from energy.registry import Registry
from tests.collector.world import judge, make_judge, rows

FOLDERS = sorted(path for path in (Path(__file__).parent / "payloads").iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_golden_message_becomes_what_is_expected(folder: Path, shared_registry: Registry) -> None:
    fresh = make_judge(shared_registry)
    payload = (folder / "message.json").read_bytes()
    judged = judge(fresh, payload, topic=(folder / "topic.txt").read_text().strip().encode())
    expected = json.loads((folder / "expected.json").read_text()) if (folder / "expected.json").exists() else []
    errors = (folder / "error.txt").read_text().split() if (folder / "error.txt").exists() else []
    assert sorted(rows(fresh, judged)) == sorted((row["meter"], row["time"], row["value"]) for row in expected)
    assert sorted(f"{parked.reason}:{parked.count}" for parked in judged.group.parked) == sorted(errors)
