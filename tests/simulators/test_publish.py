"""Publishing as gateways do: to a real broker, to one that refuses, and to one that goes away."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from energy.errors import ConnectionLost
from simulators.messages import Message, Tally
from simulators.province import build
from simulators.publish import Limits, Publisher, Target, go_live, publish
from tests.servers import Mosquitto, server_path, wait_until


def _messages(n: int, gateway: str = "g1") -> list[Message]:
    return [Message(gateway, f"jieneng/v1/i1/{gateway}/readings", f'{{"seq":{i}}}'.encode(), 1) for i in range(n)]


class Ear:
    """A subscriber that keeps what it hears."""

    def __init__(self, server: Mosquitto) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._ready = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *_: client.subscribe("jieneng/v1/#", qos=1)
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.connect(server.host, server.port)
        self.client.loop_start()
        assert self._ready.wait(10)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, message.payload))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def ear(mosquitto: Mosquitto) -> Iterator[Ear]:
    one = Ear(mosquitto)
    yield one
    one.close()


@pytest.mark.services
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_every_message_of_a_province_arrives_as_it_was_made(mosquitto: Mosquitto, ear: Ear, protocol: str) -> None:
    province = build(2, date(2024, 1, 1), date(2024, 2, 1), houses=4)
    tally = Tally()
    sent = list(tally.counting(province.messages(province.window.start, province.window.end)))
    answered: list[str] = []
    report = publish(
        sent,
        Target(port=mosquitto.port, protocol=protocol, client_prefix=f"v{protocol}-"),
        limits=Limits(in_flight=3, connections=2),
        progress=lambda message: answered.append(message.gateway),
    )
    assert (report.messages, report.acknowledged, report.readings) == (len(sent), len(sent), tally.sent)
    assert len(answered) == len(sent)
    wait_until(lambda: len(ear.heard) >= len(sent), timeout_s=20, what="all messages")
    assert sorted(ear.heard) == sorted((m.topic, m.payload) for m in sent)


@pytest.mark.services
def test_messages_of_one_gateway_keep_their_order(mosquitto: Mosquitto, ear: Ear) -> None:
    publish(_messages(50), Target(port=mosquitto.port))
    wait_until(lambda: len(ear.heard) == 50, timeout_s=20, what="50 messages")
    assert [json.loads(payload)["seq"] for _, payload in ear.heard] == list(range(50))


@pytest.fixture
def strict(mosquitto_factory: Callable[..., Mosquitto]) -> Mosquitto:
    """A broker with passwords, and the access rule that binds a topic to its gateway."""
    server = mosquitto_factory()
    passwords, rules = server.folder / "passwords", server.folder / "rules"
    tool = server_path("MOSQUITTO").parent.parent / "bin" / "mosquitto_passwd"
    if not tool.is_file():
        pytest.skip("mosquitto_passwd is not beside the broker")
    subprocess.run([tool, "-b", "-c", passwords, "g1", "right"], check=True, capture_output=True)
    rules.write_text("pattern write jieneng/v1/+/%u/readings\n")
    passwords.chmod(0o600)
    rules.chmod(0o600)
    server.lines = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {rules}")
    server.start()
    return server


@pytest.mark.services
def test_what_the_broker_denies_is_counted_as_refused_and_not_sent_again(strict: Mosquitto) -> None:
    foreign = [Message("g1", "jieneng/v1/i1/g2/readings", b"{}", 1)] * 3
    report = publish([*_messages(2), *foreign], Target(port=strict.port, secrets={"g1": "right"}))
    assert report.acknowledged == 2
    assert report.refused == {0x87: 3}  # not authorized
    assert report.messages == 5


@pytest.mark.services
def test_a_wrong_secret_says_so(strict: Mosquitto) -> None:
    with pytest.raises(ConnectionLost, match="gateway g1: connection refused: Not authorized"):
        publish(_messages(1), Target(port=strict.port, secrets={"g1": "wrong"}))


@pytest.mark.services
def test_a_restarted_broker_costs_no_message(mosquitto_factory: Callable[..., Mosquitto]) -> None:
    server = mosquitto_factory()
    server.start()
    with Publisher(Target(port=server.port), limits=Limits(in_flight=4)) as publisher:
        publisher.send_all(_messages(5))
        server.kill()
        server.start()
        report = publisher.send_all(_messages(20))
    assert report.acknowledged == 25
    assert report.reconnects >= 1


@pytest.mark.services
def test_live_readings_go_on_after_an_outage_from_where_they_stopped(mosquitto: Mosquitto, ear: Ear) -> None:
    asked: list[tuple[int, int]] = []
    stop = threading.Event()
    clock = iter([100.0, 200.0, 300.0])

    def due(after: int, now: int) -> list[Message]:
        asked.append((after, now))
        if now == 200:
            raise ConnectionLost("the line is down")
        if now == 300:
            stop.set()
        return _messages(1)

    with Publisher(Target(port=mosquitto.port)) as publisher:
        go_live(due, publisher, 0, stop=stop, every_s=0.01, clock=lambda: next(clock))
    assert asked == [(0, 100), (100, 200), (100, 300)]
    wait_until(lambda: len(ear.heard) == 2, timeout_s=10, what="two messages")


HANG_UP = -1


class Reluctant(threading.Thread):
    """The least MQTT 5 listener that answers each PUBLISH with the next of the given reason codes, then with 0."""

    def __init__(self, codes: list[int]) -> None:
        super().__init__(daemon=True)
        self._codes = codes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.publishes = 0
        self.again = 0

    def run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as stream:
                while (head := stream.read(1)) and self._answer(peer, head[0], stream.read(stream.read(1)[0])):
                    pass

    def _answer(self, peer: socket.socket, head: int, body: bytes) -> bool:
        """Answer one packet, all shorter than 128 bytes here; False to hang up."""
        if head >> 4 == 1:
            peer.sendall(bytes([0x20, 3, 0, 0, 0]))
        elif head >> 4 == 3:
            self.publishes += 1
            self.again += head >> 3 & 1
            at = 2 + int.from_bytes(body[:2])
            code = self._codes.pop(0) if self._codes else 0
            if code == HANG_UP:
                return False
            peer.sendall(bytes([0x40, 4, *body[at : at + 2], code, 0]))
        return True

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._listener.close()
        self.join(10)


@pytest.fixture
def reluctant() -> Iterator[Callable[[list[int]], Reluctant]]:
    made: list[Reluctant] = []

    def make(codes: list[int]) -> Reluctant:
        made.append(Reluctant(codes))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_quota_exceeded_is_tried_again_and_other_refusals_are_not(
    reluctant: Callable[[list[int]], Reluctant],
) -> None:
    listener = reluctant([0x97, 0x99, 0x97])
    report = publish(_messages(3), Target(port=listener.port), limits=Limits(in_flight=1, retry_s=0.01))
    assert report.acknowledged == 2
    assert report.refused == {0x99: 1}
    assert report.retried == 2
    assert listener.publishes == 5


def test_what_was_in_flight_when_the_line_broke_is_sent_again(reluctant: Callable[[list[int]], Reluctant]) -> None:
    listener = reluctant([0, HANG_UP])
    report = publish(_messages(3), Target(port=listener.port), limits=Limits(in_flight=1))
    assert report.acknowledged == 3
    assert report.reconnects == 1
    assert (listener.publishes, listener.again) == (4, 1)


def test_nobody_listening_is_a_lost_connection_that_names_the_place() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ConnectionLost, match=f"gateway g1: 127.0.0.1:{port}"):
        publish(_messages(1), Target(port=port))


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        target = Target(port=deaf.getsockname()[1])
        with pytest.raises(ConnectionLost, match=r"1 messages unanswered for 0\.5 s"):
            publish(_messages(1), target, limits=Limits(answer_s=0.5))


def test_impossible_limits_and_protocols_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Limits(in_flight=0)
    with pytest.raises(ValueError, match=r"expected 5 or 3\.1\.1"):
        Target(protocol="4")
