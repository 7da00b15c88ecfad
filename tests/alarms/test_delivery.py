"""What leaves arrives: by e-mail, webhook and robot, with back-off, under one key, also when the sender is killed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest

from api.alarms import deliver, evaluate, queue_digests, signing_secret, test_message
from api.alarms.delivery import LEASE_S, wait_s
from energy.registry import Node, Registry, Role, Subscription, User
from energy.settings import AlarmSettings
from energy.storage.embedded import EmbeddedStore
from tests.alarms.province import NOW, QUARTER, heard, province
from tests.alarms.receivers import HttpReceiver, MailReceiver
from tests.collector.edge.peers import make_certificate

test_message.__test__ = False  # type: ignore[attr-defined] -- its name, not a test


def settings(**more: Any) -> AlarmSettings:
    return AlarmSettings(webhook_key="k" * 32, allowed_hosts=("127.0.0.1",), timeout_s=5, **more)


def by_mail(mail: MailReceiver) -> AlarmSettings:
    return settings(
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        smtp_from="jn@example.org",
        console_url="https://jn.example.org/",
    )


def outage(registry: Registry, store: EmbeddedStore) -> int:
    """One notice about everything; the instant it was raised."""
    heard(store, province(registry), NOW)
    now = NOW + 4 * QUARTER
    assert len(evaluate(registry, store, now)) == 1
    return now


def test_a_notice_arrives_as_an_e_mail(registry: Registry, store: EmbeddedStore, mail: MailReceiver) -> None:
    registry.alarms.subscribe(Subscription("duty", "email", "duty@example.org"))
    now = outage(registry, store)
    assert deliver(registry, by_mail(mail), now).sent == 1
    (taken,) = mail.taken
    assert str(make_header(decode_header(taken["Subject"]))) == "示例省：24 块表计全部无数据"
    assert taken["To"] == "duty@example.org"
    assert taken["Message-ID"] == f"<{registry.alarms.outbox()[0].id}@example.org>"
    text = taken.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "请先检查网关" in text
    assert "https://jn.example.org/quality" in text
    assert deliver(registry, by_mail(mail), now + 1).sent == 0


def test_a_recipient_the_server_does_not_know_is_given_up_and_a_full_one_tried_again(
    registry: Registry, store: EmbeddedStore, mail: MailReceiver
) -> None:
    mail.codes = {"gone@example.org": "550 no such user", "full@example.org": "452 mailbox full"}
    for name in ("gone", "full"):
        registry.alarms.subscribe(Subscription(name, "email", f"{name}@example.org"))
    now = outage(registry, store)
    done = deliver(registry, by_mail(mail), now)
    assert (done.failed, done.later, done.sent) == (1, 1, 0)
    states = {m.subscription: (m.state, m.due) for m in registry.alarms.outbox()}
    assert states == {"gone": ("failed", now), "full": ("waiting", now + 60)}
    mail.codes = {}
    assert registry.alarms.retry(now=now + 60) == 1
    assert deliver(registry, by_mail(mail), now + 60).sent == 2


@pytest.mark.parametrize("goodbye", ["421 closing", "250 OK", "554 no"])
def test_a_mail_the_server_took_is_sent_whatever_it_says_at_the_end(
    goodbye: str, registry: Registry, store: EmbeddedStore, mail: MailReceiver
) -> None:
    mail.goodbye = goodbye
    registry.alarms.subscribe(Subscription("duty", "email", "duty@example.org"))
    now = outage(registry, store)
    assert deliver(registry, by_mail(mail), now).sent == 1
    deliver(registry, by_mail(mail), now + 3600)
    assert len(mail.taken) == 1


def test_a_plain_connection_is_not_used_where_encryption_is_asked_for(
    registry: Registry, store: EmbeddedStore, mail: MailReceiver
) -> None:
    registry.alarms.subscribe(Subscription("duty", "email", "duty@example.org"))
    now = outage(registry, store)
    plain = settings(smtp_host="127.0.0.1", smtp_port=mail.port, smtp_user="u", smtp_password="secret")
    assert deliver(registry, plain, now).failed == 1
    assert mail.taken == []
    assert "STARTTLS" in registry.alarms.outbox()[0].error


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_travels_encrypted_to_a_server_whose_certificate_is_verified(
    security: str, registry: Registry, store: EmbeddedStore, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    registry.alarms.subscribe(Subscription("duty", "email", "duty@example.org"))
    now = outage(registry, store)
    with MailReceiver(certificate, is_tls_from_start=security == "tls") as mail:
        trusting = settings(
            smtp_host="127.0.0.1", smtp_port=mail.port, smtp_security=security, smtp_ca=certificate[0],
        )  # fmt: skip
        stranger = trusting.model_copy(update={"smtp_ca": None})
        assert deliver(registry, stranger, now).later == 1
        assert mail.taken == []
        assert deliver(registry, trusting, now + 60).sent == 1
        assert len(mail.taken) == 1


def test_a_webhook_is_signed(registry: Registry, store: EmbeddedStore, http: HttpReceiver) -> None:
    registry.alarms.subscribe(Subscription("hook", "webhook", http.url(), language="en"))
    now = outage(registry, store)
    assert deliver(registry, settings(), now).sent == 1
    (taken,) = http.taken
    key = signing_secret(settings(), "hook").encode()
    signed = taken.headers["Jieneng-Delivery"].encode() + b"." + taken.body
    assert taken.headers["Jieneng-Signature"] == "sha256=" + hmac.new(key, signed, hashlib.sha256).hexdigest()
    content = json.loads(taken.body)
    assert content["subject"] == "示例省: all 24 meters are silent"
    assert content["notices"][0]["kind"] == "silent"


def test_a_robot_gets_the_format_it_knows(
    registry: Registry, store: EmbeddedStore, http: HttpReceiver, tmp_path: Path
) -> None:
    (tmp_path / "duty").write_text("robot-key-1\n")
    registry.alarms.subscribe(Subscription("robot", "wecom", "duty"))
    now = outage(registry, store)
    own = settings(wecom_url=http.url("/cgi-bin/webhook/send"), wecom_key_folder=tmp_path)
    assert deliver(registry, own, now).sent == 1
    (taken,) = http.taken
    assert taken.path == "/cgi-bin/webhook/send?key=robot-key-1"
    body = json.loads(taken.body)
    assert body["msgtype"] == "markdown"
    assert body["markdown"]["content"].startswith("**示例省：24 块表计全部无数据**\n[严重] ")


def test_a_robot_that_says_no_is_not_taken_for_a_success(
    registry: Registry, store: EmbeddedStore, http: HttpReceiver, tmp_path: Path
) -> None:
    (tmp_path / "duty").write_text("k")
    registry.alarms.subscribe(Subscription("robot", "wecom", "duty"))
    now = outage(registry, store)
    own = settings(wecom_url=http.url(), wecom_key_folder=tmp_path)
    http.answer = b'{"errcode": 45009}'
    assert deliver(registry, own, now).later == 1
    http.answer = b'{"errcode": -1}'  # its server is busy
    assert deliver(registry, own, now + 60).later == 1
    http.answer = b'{"errcode": 93000}'
    assert deliver(registry, own, now + 180).failed == 1


def test_pauses_double_up_to_an_hour() -> None:
    assert [wait_s(n) for n in (1, 2, 3, 6, 7, 20)] == [60, 120, 240, 1920, 3600, 3600]


def test_a_receiver_that_fails_for_a_while_gets_the_message_once(
    registry: Registry, store: EmbeddedStore, http: HttpReceiver
) -> None:
    registry.alarms.subscribe(Subscription("hook", "webhook", http.url()))
    now = outage(registry, store)
    http.statuses = [503, 500]
    for instant in range(now, now + 600, 30):
        deliver(registry, settings(), instant)
    assert len(http.taken) == 3
    assert len({taken.headers["Jieneng-Delivery"] for taken in http.taken}) == 1
    assert [m.state for m in registry.alarms.outbox()] == ["sent"]


def test_a_webhook_that_said_yes_got_the_message_though_its_answer_breaks_off(
    registry: Registry, store: EmbeddedStore, http: HttpReceiver
) -> None:
    http.n_withheld = 100
    registry.alarms.subscribe(Subscription("hook", "webhook", http.url()))
    now = outage(registry, store)
    assert deliver(registry, settings(), now).sent == 1
    deliver(registry, settings(), now + 3600)
    assert len(http.taken) == 1


def test_a_round_ends_in_time_and_the_next_goes_on(
    registry: Registry, store: EmbeddedStore, http: HttpReceiver
) -> None:
    """Leases count from the round's `now`, and the heartbeat comes between rounds."""
    for name in ("a", "b"):
        registry.alarms.subscribe(Subscription(name, "webhook", http.url()))
    now = outage(registry, store)
    assert [deliver(registry, settings(), now, most_s=0).sent for _ in range(3)] == [1, 1, 0]


SENDER = """
import os, signal, sys
from api.alarms import senders, delivery
from energy.registry import Registry
from energy.settings import AlarmSettings
url, now, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]
registry = Registry.open(url)
settings = AlarmSettings(webhook_key="k" * 32, allowed_hosts=("127.0.0.1",), timeout_s=5)
(message,) = registry.alarms.claim(now=now, lease_s=delivery.LEASE_S, most=1)
if moment == "after":
    senders.send(message, settings)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("moment", "times"), [("before", 1), ("after", 2)])
def test_a_sender_killed_before_it_noted_leaves_the_message_to_the_next(
    moment: str, times: int, registry: Registry, store: EmbeddedStore, http: HttpReceiver, tmp_path: Path
) -> None:
    """At least once, under one key: killed before sending it arrives once, killed before noting it arrives twice."""
    registry.alarms.subscribe(Subscription("hook", "webhook", http.url()))
    now = outage(registry, store)
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    killed = subprocess.run([sys.executable, "-c", SENDER, url, str(now), moment], env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert deliver(registry, settings(), now + LEASE_S - 1).sent == 0  # the dead sender's lease still holds
    assert deliver(registry, settings(), now + LEASE_S).sent == 1
    assert len(http.taken) == times
    assert len({taken.headers["Jieneng-Delivery"] for taken in http.taken}) == 1


def test_two_senders_never_take_the_same_message(registry: Registry, store: EmbeddedStore, tmp_path: Path) -> None:
    registry.alarms.subscribe(Subscription("hook", "webhook", "http://127.0.0.1:9/"))
    now = outage(registry, store)
    other = Registry.open(f"sqlite:///{tmp_path / 'registry.db'}")
    (mine,) = registry.alarms.claim(now=now, lease_s=300)
    assert other.alarms.claim(now=now, lease_s=300) == []
    (taken_over,) = other.alarms.claim(now=now + 300, lease_s=300)
    assert registry.alarms.settle(mine, now=now + 301) is False  # too late: it is the other's now
    assert other.alarms.settle(taken_over, now=now + 301) is True
    other.close()


def test_a_subscription_of_a_user_tells_only_what_the_user_sees(registry: Registry, store: EmbeddedStore) -> None:
    meters = province(registry)
    for name, node in {"own": Node("institution", "c0s0"), "other": Node("institution", "c1s1")}.items():
        registry.accounts.add(User(name, Role.ENERGY_MANAGER, node), now=NOW)
        registry.alarms.subscribe(Subscription(name, "email", f"{name}@example.org", user=name))
    registry.alarms.subscribe(Subscription("left", "email", "left@example.org", user="nobody-any-more"))
    heard(store, meters, NOW - 4 * QUARTER)
    heard(store, [m for m in meters if m != "c0s0g0m0"], NOW)
    evaluate(registry, store, NOW)
    assert [m.subscription for m in registry.alarms.outbox()] == ["own"]


def test_severity_kind_and_place_narrow_a_subscription(registry: Registry, store: EmbeddedStore) -> None:
    for subscription in (
        Subscription("critical", "email", "a@example.org", severity="critical"),
        Subscription("stages", "email", "b@example.org", kinds=("stage",)),
        Subscription("county", "email", "c@example.org", scope="region", node="990100"),
        Subscription("off", "email", "d@example.org", is_active=False),
    ):
        registry.alarms.subscribe(subscription)
    outage(registry, store)  # critical, of the province
    assert [m.subscription for m in registry.alarms.outbox()] == ["critical"]


def test_the_digest_of_a_day_leaves_once(registry: Registry, store: EmbeddedStore, mail: MailReceiver) -> None:
    registry.alarms.subscribe(Subscription("daily", "email", "daily@example.org", mode="digest"))
    now = outage(registry, store)  # 12:00 local
    assert registry.alarms.outbox() == []
    assert queue_digests(registry, now, hour=13) == 0  # before the hour
    assert queue_digests(registry, now + 3600, hour=13) == 1
    assert queue_digests(registry, now + 3660, hour=13) == 0
    assert deliver(registry, by_mail(mail), now + 3600).sent == 1
    assert str(make_header(decode_header(mail.taken[0]["Subject"]))) == "节能每日汇总 2026-06-01：1 条"


def test_a_late_digest_tells_what_came_since_the_last_one(registry: Registry, store: EmbeddedStore) -> None:
    registry.alarms.subscribe(Subscription("daily", "email", "daily@example.org", mode="digest"))
    now = outage(registry, store)  # 1 June, 12:00 local
    (notice,) = registry.alarms.standing()
    registry.alarms.close(notice.id, author="wang", now=now + 60)
    evaluate(registry, store, now + 120)
    # The work process stood still at the digest's hour (8) of 2 June and comes back at 15:00.
    assert queue_digests(registry, now + 27 * 3600, hour=8) == 1


def test_a_digest_begins_where_the_one_before_ended(registry: Registry, store: EmbeddedStore) -> None:
    registry.alarms.subscribe(Subscription("daily", "email", "daily@example.org", mode="digest"))
    now = outage(registry, store)
    (notice,) = registry.alarms.standing()
    assert queue_digests(registry, now + 3600, hour=13) == 1
    registry.alarms.close(notice.id, author="wang", now=now + 3700)
    day = 24 * 3600
    assert queue_digests(registry, now + 3600 + day, hour=13) == 0  # told yesterday, and nothing since


def test_the_test_button_says_what_went_wrong(registry: Registry, http: HttpReceiver) -> None:
    registry.alarms.subscribe(Subscription("hook", "webhook", http.url()))
    assert test_message(registry, settings(), "hook", NOW) == ""
    assert json.loads(http.taken[0].body)["subject"] == "节能平台测试消息"
    http.status = 404
    assert "came 404" in test_message(registry, settings(), "hook", NOW)


def test_no_secret_lies_in_the_registry(registry: Registry, tmp_path: Path, http: HttpReceiver) -> None:
    registry.alarms.subscribe(Subscription("hook", "webhook", http.url()))
    secret = signing_secret(settings(), "hook")
    assert secret != signing_secret(settings(), "hook2")
    assert secret.encode() not in (tmp_path / "registry.db").read_bytes()
