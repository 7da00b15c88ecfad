"""Channels and rules over HTTP."""

from __future__ import annotations

import pytest

from api.alarms.rules import effective
from energy.registry import OutMessage
from tests.api.world import World

MAIL = {"channel": "email", "address": "duty@example.org"}


def test_a_user_subscribes_is_told_what_a_test_came_to_and_ends_it(world: World) -> None:
    path = "/api/v1/alarms/subscriptions/viewer-mail"
    with world.client("root-viewer") as viewer, world.client("root-statistician") as other:
        made = viewer.put(path, json=MAIL | {"severity": "warning", "kinds": ["stage", "finding"]})
        assert (made.status_code, made.json()["user"], made.json()["kinds"]) == (
            200,
            "root-viewer",
            ["stage", "finding"],
        )
        assert [s["id"] for s in viewer.get("/api/v1/alarms/subscriptions").json()["items"]] == ["viewer-mail"]
        tested = viewer.post(f"{path}/test").json()
        assert tested == {"is_taken": False, "trouble": "alarms.smtp_host is not set: there is no mail server"}
        for answer in (other.put(path, json=MAIL), other.post(f"{path}/test"), other.delete(path)):
            assert answer.status_code == 404
        assert viewer.delete(path).status_code == 204
        assert viewer.get("/api/v1/alarms/subscriptions").json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "webhook", "address": "http://127.0.0.1:8080/"},
        {"channel": "webhook", "address": "http://169.254.169.254/latest"},
        {"address": "nobody"},
        {"channel": "fax"},
        {"scope": "region", "node": ""},
        {"kinds": ["nonsense"]},
    ],
)
def test_a_subscription_that_could_do_harm_or_nothing_is_refused(world: World, wrong: dict[str, object]) -> None:
    with world.client("root-viewer") as viewer:
        answer = viewer.put("/api/v1/alarms/subscriptions/wrong", json=MAIL | wrong)
    assert answer.status_code == 422, answer.text
    assert all(s.id != "wrong" for s in world.registry.alarms.subscriptions())


def test_only_an_administrator_tells_others(world: World) -> None:
    role = MAIL | {"role": "approver"}
    with world.client("root-viewer") as viewer, world.client() as chief:
        assert viewer.put("/api/v1/alarms/subscriptions/approvers", json=role).status_code == 403
        assert chief.put("/api/v1/alarms/subscriptions/approvers", json=role).json()["user"] == ""
        assert chief.delete("/api/v1/alarms/subscriptions/approvers").status_code == 204


def test_a_changed_rule_counts_and_keeps_the_rest(world: World) -> None:
    with world.client() as chief:
        changed = chief.patch("/api/v1/alarms/rules/silent", json={"threshold": 5.0}).json()
        assert (changed["threshold"], changed["severity"], changed["is_active"]) == (5.0, "warning", True)
        assert chief.patch("/api/v1/alarms/rules/nonsense", json={}).status_code == 404
        chief.patch("/api/v1/alarms/rules/lag", json={"is_active": False})
        listed = {r["id"]: r["is_active"] for r in chief.get("/api/v1/alarms/rules").json()["items"]}
    counted = {rule.id: rule.threshold for rule in effective(world.registry.alarms.rules())}
    assert counted["silent"] == 5.0
    assert "lag" not in counted
    assert listed["lag"] is False


def test_the_outbox_tells_what_failed_and_a_retry_lets_it_wait_again(world: World) -> None:
    alarms, now = world.registry.alarms, 1_750_000_000
    alarms.queue([OutMessage("m-api", "n-1", "duty", "email", "a@example.org", '{"subject": "表计失联"}', now, now)])
    (held,) = alarms.claim(now=now, lease_s=300)
    alarms.settle(held, now=now, error="550 no such mailbox")
    path = "/api/v1/alarms/outbox"
    with world.client("root-operator") as operator, world.client("root-viewer") as viewer:
        assert viewer.get(path).status_code == viewer.post(f"{path}/retry").status_code == 403
        (failed,) = operator.get(path, params={"state": "failed"}).json()["items"]
        shown = {name: failed[name] for name in ("id", "subject", "address", "attempts", "error")}
        assert shown == {
            "id": "m-api", "subject": "表计失联", "address": "a@example.org", "attempts": 1,
            "error": "550 no such mailbox",
        }  # fmt: skip
        assert operator.post(f"{path}/retry").json() == {"messages": 1}
        rows = operator.get(path, params={"format": "csv"}).text.splitlines()
    assert [line.split(",")[6:8] for line in rows] == [["state", "attempts"], ["waiting", "0"]]
