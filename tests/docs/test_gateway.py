"""The pages for makers of gateways: schemas, golden messages, reason codes, and the example that must run."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry as SchemaRegistry
from referencing import Resource

from collector.decoders import DEFAULT_PROFILE, Columns, Limits, decoder_of
from collector.endpoint import Endpoint
from collector.source import Delivery
from energy.model import Reason
from energy.settings import MqttSettings
from energy.topics import parse

DOCS = Path(__file__).resolve().parents[2] / "docs"
MESSAGES = DOCS / "examples" / "messages"
PAGES = ["gateway.md", "gateway.zh-CN.md"]
FORMS = ("list", "column", "senml")
SCHEMAS = {form: json.loads((DOCS / "schema" / f"{form}.schema.json").read_bytes()) for form in FORMS}
GOOD = sorted(MESSAGES.glob("*.json"))
GOOD_SENML = sorted((MESSAGES / "senml").glob("*.json"))
SHOWN = ("list.json", "column.json", "senml/pack.json")
REFUSED = sorted(MESSAGES.rglob("refused/*.json"))


def validator(form: str) -> Draft202012Validator:
    known: SchemaRegistry[Any] = SchemaRegistry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()]
    )
    return Draft202012Validator(SCHEMAS[form], registry=known)


def valid_forms(message: object) -> list[str]:
    return [form for form in SCHEMAS if validator(form).is_valid(message)]


def decode(payload: bytes, profile: str = DEFAULT_PROFILE) -> Columns:
    return decoder_of(profile).decode([payload], Limits())


def name_of(path: Path) -> str:
    return path.relative_to(MESSAGES).with_suffix("").as_posix()


def profile_of(path: Path) -> str:
    return "senml" if MESSAGES / "senml" in path.parents else DEFAULT_PROFILE


@pytest.mark.parametrize("form", SCHEMAS)
def test_the_schemas_are_schemas(form: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[form])


@pytest.mark.parametrize("file", GOOD, ids=name_of)
def test_golden_messages_fit_exactly_one_schema_and_are_taken_whole(file: Path) -> None:
    message = json.loads(file.read_bytes())
    assert valid_forms(message) == (["list"] if "readings" in message else ["column"])
    columns = decode(file.read_bytes())
    assert columns.problems == []
    sent = message.get("readings") or [v for c in message["values"].values() for v in c if v is not None]
    assert len(columns) == len(sent)


@pytest.mark.parametrize("file", GOOD_SENML, ids=name_of)
def test_golden_packs_fit_their_schema_alone_and_are_taken_whole(file: Path) -> None:
    pack = json.loads(file.read_bytes())
    assert valid_forms(pack) == ["senml"]
    columns = decode(file.read_bytes(), "senml")
    assert (columns.problems, len(columns)) == ([], len(pack))


@pytest.mark.parametrize("file", REFUSED, ids=name_of)
def test_refused_messages_park_with_the_reason_in_their_name_and_fit_no_schema_that_can_tell(file: Path) -> None:
    is_beyond_a_schema = name_of(file) == "senml/refused/bad_time"  # base and own time make the instant together
    assert valid_forms(json.loads(file.read_bytes())) == (["senml"] if is_beyond_a_schema else [])
    columns = decode(file.read_bytes(), profile_of(file))
    assert [problem.reason for problem in columns.problems] == [Reason(file.stem)]
    assert len(columns) == 0


def test_times_of_both_kinds_name_the_same_instant() -> None:
    (first,) = decode((MESSAGES / "list.json").read_bytes()).time
    assert first == int(datetime.fromisoformat("2026-01-01T00:15:00+08:00").timestamp())
    many = decode((MESSAGES / "list_many.json").read_bytes())
    assert set(np.diff(many.time)) == {0}


@pytest.mark.parametrize(
    "change",
    [
        {"meter": "CON"},
        {"meter": ".."},
        {"meter": "a/b"},
        {"meter": ""},
        {"time": 1767198600000},
        {"time": 0},
        {"time": "20260101T000000Z"},
        {"time": "2026-01-01T24:00:00+08:00"},
        {"time": True},
        {"value": None},
        {"value": True},
        {"value": 2**53},
        {"unit": 1},
    ],
    ids=repr,
)
def test_the_schema_refuses_what_the_platform_parks(change: dict[str, object]) -> None:
    reading = {"meter": "e-main", "time": 1767198600, "value": 1.0, "unit": "kWh"}
    assert valid_forms({"readings": [reading]}) == ["list"]
    assert valid_forms({"readings": [reading | change]}) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_reason_code_is_on_the_page_with_what_to_do(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    reasons = [code for code, _, _ in rows if code in set(Reason)]
    assert reasons == [reason.value for reason in Reason]


@pytest.mark.parametrize("page", PAGES)
def test_messages_on_the_page_are_golden_messages(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    shown = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert shown == [(MESSAGES / name).read_text(encoding="utf-8") for name in SHOWN]


def test_both_languages_say_the_same_in_the_same_order() -> None:
    english, chinese = ((DOCS / page).read_text(encoding="utf-8") for page in PAGES)
    for pattern in (r"```\w+\n[^#`]*", r"^#+ ", r"\]\(([^)]+)\)", r"`(?:jieneng|--)[^`]*`"):
        found = [re.findall(pattern, text, re.MULTILINE) for text in (english, chinese)]
        other_page = {"gateway.md", "gateway.zh-CN.md"}
        assert [x for x in found[0] if x not in other_page] == [x for x in found[1] if x not in other_page], pattern


class Taker:
    """A sink that takes everything and acknowledges at once."""

    is_full = False

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def put(self, deliveries: list[Delivery]) -> None:
        self.deliveries += deliveries
        for delivery in deliveries:
            delivery.acknowledger.acknowledge([delivery.token], [0])


async def run_example(secret: str) -> tuple[list[Delivery], str]:
    def authenticate(user: str, password: bytes) -> str | None:
        return user if (user, password) == ("trial-gw", b"right") else None

    endpoint, taker = Endpoint(MqttSettings(port=0), authenticate=authenticate), Taker()
    await endpoint.start(taker)
    command = [str(DOCS / "examples" / "publish.py"), "--port", str(endpoint.port), "--secret", secret]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    await endpoint.close()
    return taker.deliveries, output.decode()


def test_the_example_delivers_its_readings_to_the_endpoint() -> None:
    deliveries, output = asyncio.run(run_example("right"))
    assert output.count("acknowledged: Success") == 4
    assert {delivery.gateway for delivery in deliveries} == {"trial-gw"}
    for delivery in deliveries:
        assert parse(delivery.topic.decode()).gateway == "trial-gw"
        assert valid_forms(json.loads(delivery.payload)) == ["list"]
    times = np.concatenate([decode(delivery.payload).time for delivery in deliveries])
    assert set(np.diff(times)) == {900}


def test_the_example_says_that_the_secret_was_wrong() -> None:
    deliveries, output = asyncio.run(run_example("wrong"))
    assert deliveries == []
    assert "Not authorized" in output or "Bad user name or password" in output


def test_the_example_has_thirty_lines() -> None:
    assert len((DOCS / "examples" / "publish.py").read_text(encoding="utf-8").splitlines()) <= 30


def test_the_example_registry_holds_what_the_examples_send(tmp_path: Path) -> None:
    from energy.registry import Registry, read_sheets

    registry = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}", migrate=True)
    try:
        registry.import_sheets(read_sheets(DOCS / "examples" / "registry"))
        snapshot = registry.snapshot()
        by_local = {(meter.gateway, meter.local): meter for meter in snapshot.meters.values()}
        meter = by_local["trial-gw", "e-main"]
        for file in GOOD:
            for local in decode(file.read_bytes()).local:
                assert ("trial-gw", local) in by_local, f"{file.name}: {local}"
        for file in GOOD_SENML:
            for local in decode(file.read_bytes(), snapshot.gateway_of("trial-senml").profile).local:
                assert ("trial-senml", local) in by_local, f"{file.name}: {local}"
        assert (meter.institution, meter.unit) == ("trial", "kWh")
        assert len(registry.issue_credential("trial-gw")) >= 20
    finally:
        registry.close()
