"""Both broker clients, against a real Mosquitto, our own endpoint, and a broker that misbehaves."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector import broker
from collector.client import BrokerClient, open_client
from collector.fast_client import FastBrokerClient
from collector.mqtt import codes, packets
from collector.source import Delivery
from energy.errors import SettingsError
from energy.settings import MqttSettings
from tests.collector.edge.brokers import TOPIC, ScriptedBroker, publish_all, scripted
from tests.collector.edge.peers import MemorySink, make_certificate, running, running_endpoint, until
from tests.servers import Mosquitto

Factory = Callable[..., Mosquitto]
AnyClient = BrokerClient | FastBrokerClient

each_client = pytest.mark.parametrize("kind", ["paho", "fast"])
each_protocol = pytest.mark.parametrize("protocol", ["3.1.1", "5"])


def make(kind: str, port: int, client_id: str = "collector", **settings: Any) -> AnyClient:
    wanted = {"keepalive_s": 5, "connect_timeout_s": 5.0} | settings
    client = open_client(MqttSettings(source="broker", client=kind, port=port, client_id=client_id, **wanted))
    assert isinstance(client, BrokerClient | FastBrokerClient)
    return client


def numbers(start: int, stop: int) -> list[bytes]:
    return [str(number).encode() for number in range(start, stop)]


def test_the_settings_choose_the_client() -> None:
    assert isinstance(make("paho", 1), BrokerClient)
    assert isinstance(make("fast", 1), FastBrokerClient)
    assert isinstance(open_client(MqttSettings()), BrokerClient)


def test_a_user_name_without_password_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"mqtt\.password"):
        BrokerClient(MqttSettings(username="collector"))


def test_what_is_subscribed() -> None:
    settings = MqttSettings(group="g", extra_topics=("zigbee2mqtt/+",))
    assert broker.filters(settings) == [
        "$share/g/jieneng/v1/+/+/readings",
        "$share/g/jieneng/v1/+/+/status",
        "$share/g/zigbee2mqtt/+",
    ]


@pytest.mark.services
@each_client
@each_protocol
def test_messages_arrive_in_order_and_are_acknowledged(kind: str, protocol: str, mosquitto: Mosquitto) -> None:
    async def run() -> None:
        sink = MemorySink()
        client = make(kind, mosquitto.port, f"{kind}-{protocol}", protocol=protocol)
        async with running(client, sink):
            assert client.is_alive
            assert client.is_receiving
            await publish_all(mosquitto.port, numbers(0, 300))
            await publish_all(mosquitto.port, [b"unprotected"], qos=0)
            await until(lambda: len(sink.deliveries) == 301 and client.n_unacknowledged == 0)
        assert sink.payloads == [*numbers(0, 300), b"unprotected"]
        assert [delivery.qos for delivery in sink.deliveries] == [1] * 300 + [0]
        assert {delivery.topic for delivery in sink.deliveries} == {TOPIC}
        again = MemorySink()
        async with running(make(kind, mosquitto.port, f"{kind}-{protocol}", protocol=protocol), again):
            await publish_all(mosquitto.port, [b"next"])
            await until(lambda: len(again.deliveries) > 0)
        assert again.payloads == [b"next"]

    asyncio.run(run())


@pytest.mark.services
@each_client
@each_protocol
def test_what_was_not_acknowledged_comes_again(kind: str, protocol: str, mosquitto: Mosquitto) -> None:
    async def run() -> None:
        name = f"again-{kind}-{protocol}"
        sink = MemorySink(is_answering=False)
        async with running(make(kind, mosquitto.port, name, protocol=protocol), sink):
            await publish_all(mosquitto.port, numbers(0, 50))
            await until(lambda: len(sink.deliveries) == 50)
            first, rest = sink.deliveries[:20], sink.deliveries[20:]
            first[0].acknowledger.acknowledge([delivery.token for delivery in first], [0] * 20)
        await publish_all(mosquitto.port, numbers(50, 60))
        again = MemorySink()
        client = make(kind, mosquitto.port, name, protocol=protocol)
        async with running(client, again):
            await until(lambda: len(again.deliveries) == 40)
            rest[0].acknowledger.acknowledge([delivery.token for delivery in rest], [0] * 30)
        assert again.payloads == numbers(20, 60)
        assert client.counters.new_sessions == client.counters.lost_sessions == 0

    asyncio.run(run())


@pytest.mark.services
@each_client
def test_a_killed_broker_comes_back_with_the_session(kind: str, mosquitto_factory: Factory) -> None:
    server = mosquitto_factory()
    if server.persist_plugin is None:
        pytest.skip("Mosquitto's persist-sqlite plugin not found; `scripts/test-servers --install` gets it")
    server.start()

    async def run() -> None:
        sink = MemorySink(is_answering=False)
        client = make(kind, server.port)
        async with running(client, sink):
            await publish_all(server.port, numbers(0, 20))
            await until(lambda: len(sink.deliveries) == 20)
            stale = list(sink.deliveries)
            server.kill()
            await until(lambda: not client.is_receiving)
            await asyncio.to_thread(server.start)
            await until(lambda: client.is_receiving)
            await publish_all(server.port, numbers(20, 30))
            await until(lambda: len(sink.deliveries) == 50)
            assert sink.payloads == numbers(0, 20) + numbers(0, 30)
            stale[0].acknowledger.acknowledge([delivery.token for delivery in stale], [0] * 20)
            await until(lambda: client.counters.stale_acks == 20)
            assert client.n_unacknowledged == 30
            assert (client.counters.disconnects, client.counters.lost_sessions) == (1, 0)

    asyncio.run(run())


@pytest.mark.services
@each_client
def test_a_broker_that_forgot_the_session_is_counted(kind: str, mosquitto_factory: Factory) -> None:
    server = mosquitto_factory(durable=False)
    server.start()

    async def run() -> None:
        sink = MemorySink()
        client = make(kind, server.port)
        async with running(client, sink):
            assert client.counters.new_sessions == 1
            server.kill()
            await until(lambda: not client.is_receiving)
            await asyncio.to_thread(server.start)
            await until(lambda: client.is_receiving)
            assert client.counters.lost_sessions == 1
            await publish_all(server.port, [b"subscribed again"])
            await until(lambda: sink.payloads == [b"subscribed again"])

    asyncio.run(run())


@pytest.mark.services
@pytest.mark.slow
@each_client
def test_a_broker_that_hangs_is_noticed(kind: str, mosquitto_factory: Factory) -> None:
    server = mosquitto_factory()
    server.start()

    async def run() -> None:
        sink = MemorySink()
        client = make(kind, server.port, connect_timeout_s=2.0)
        async with running(client, sink):
            server.send(signal.SIGSTOP)
            await until(lambda: not client.is_receiving, timeout_s=30)
            assert client.is_alive  # it mends this itself: a new process would not help
            server.send(signal.SIGCONT)
            await until(lambda: client.is_receiving, timeout_s=60)
            await publish_all(server.port, [b"well again"])
            await until(lambda: sink.payloads == [b"well again"])
            assert client.is_alive

    asyncio.run(run())


@pytest.mark.services
@each_client
def test_a_shared_subscription_splits_the_messages(kind: str, mosquitto: Mosquitto) -> None:
    async def run() -> None:
        one, two = MemorySink(), MemorySink()
        first = make(kind, mosquitto.port, f"one-{kind}", group=f"g-{kind}")
        second = make(kind, mosquitto.port, f"two-{kind}", group=f"g-{kind}")
        async with running(first, one), running(second, two):
            await publish_all(mosquitto.port, numbers(0, 400))
            await until(lambda: len(one.deliveries) + len(two.deliveries) == 400)
        assert sorted(one.payloads + two.payloads) == sorted(numbers(0, 400))
        assert min(len(one.deliveries), len(two.deliveries)) > 100

    asyncio.run(run())


@pytest.mark.services
@each_client
def test_a_retained_message_is_marked(kind: str, mosquitto: Mosquitto) -> None:
    topic = b"jieneng/v1/99001/retained/status"

    async def run() -> None:
        await publish_all(mosquitto.port, [b"kept"], retain=True, topic=topic)
        sink = MemorySink()
        async with running(make(kind, mosquitto.port, f"retained-{kind}"), sink):
            await until(lambda: b"kept" in sink.payloads)
        await publish_all(mosquitto.port, [b""], retain=True, topic=topic)
        assert [delivery.retained for delivery in sink.deliveries if delivery.payload == b"kept"] == [True]

    asyncio.run(run())


@pytest.mark.services
@each_client
def test_stopping_takes_nothing_more_and_loses_nothing(kind: str, mosquitto: Mosquitto) -> None:
    async def run() -> None:
        name = f"stop-{kind}"
        sink = MemorySink(is_answering=False)
        client = make(kind, mosquitto.port, name)
        async with running(client, sink):
            await publish_all(mosquitto.port, numbers(0, 5))
            await until(lambda: len(sink.deliveries) == 5)
            await client.stop()
            await publish_all(mosquitto.port, numbers(5, 10))
            await asyncio.sleep(0.2)
            assert sink.payloads == numbers(0, 5)
            sink.answer()
        again = MemorySink()
        async with running(make(kind, mosquitto.port, name), again):
            await until(lambda: again.payloads == numbers(5, 10))

    asyncio.run(run())


@pytest.mark.services
@each_client
def test_a_broker_that_starts_later_is_found(kind: str, mosquitto_factory: Factory) -> None:
    server = mosquitto_factory()

    async def run() -> None:
        sink = MemorySink()
        client = make(kind, server.port, connect_timeout_s=0.5)
        async with running(client, sink):
            assert not client.is_receiving
            await asyncio.to_thread(server.start)
            await until(lambda: client.is_receiving)
            await publish_all(server.port, [b"hello"])
            await until(lambda: sink.payloads == [b"hello"])

    asyncio.run(run())


@pytest.mark.services
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho drops the refused socket unclosed
@each_client
def test_tls_and_the_broker_is_verified(kind: str, mosquitto_factory: Factory, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    stranger, _ = make_certificate(tmp_path / "other")
    server = mosquitto_factory(lines=(f"certfile {cert}", f"keyfile {key}", "allow_anonymous true"))
    server.start()

    async def run() -> None:
        trusting = make(kind, server.port, tls_ca=cert)
        async with running(trusting, MemorySink()):
            assert trusting.is_receiving
        doubting = make(kind, server.port, tls_ca=stranger, connect_timeout_s=1.0)
        async with running(doubting, MemorySink()):
            assert not doubting.is_receiving
            assert doubting.counters.unreachable >= 1

    asyncio.run(run())


@pytest.mark.services
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho drops the refused socket unclosed
@each_client
def test_a_broker_that_asks_for_a_certificate_gets_ours(kind: str, mosquitto_factory: Factory, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    own, own_key = make_certificate(tmp_path / "own", "collector")
    asks = (f"certfile {cert}", f"keyfile {key}", f"cafile {own}", "require_certificate true", "allow_anonymous true")
    server = mosquitto_factory(lines=asks)
    server.start()

    async def run() -> None:
        known = make(kind, server.port, tls_ca=cert, tls_cert=own, tls_key=own_key)
        async with running(known, MemorySink()):
            assert known.is_receiving
        unknown = make(kind, server.port, tls_ca=cert, connect_timeout_s=1.0)
        async with running(unknown, MemorySink()):
            assert not unknown.is_receiving

    asyncio.run(run())


@each_client
def test_a_certificate_is_shown_to_no_broker_that_is_not_verified(kind: str, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    with pytest.raises(SettingsError, match=r"mqtt\.tls_ca is not set"):
        make(kind, 1883, tls_cert=cert, tls_key=key)


@each_client
@each_protocol
def test_a_denied_subscription_is_noticed(kind: str, protocol: str) -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink(), require_credentials=False) as endpoint:
            client = make(kind, endpoint.port, protocol=protocol, connect_timeout_s=0.5)
            async with running(client, MemorySink()):
                await until(lambda: client.counters.denied_subscriptions == 2)
                assert not client.is_receiving

    asyncio.run(run())


@each_client
@each_protocol
def test_refused_credentials_are_noticed(kind: str, protocol: str) -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink()) as endpoint:
            wishes = {"protocol": protocol, "username": "gw-1", "password": "wrong", "connect_timeout_s": 0.5}
            client = make(kind, endpoint.port, **wishes)
            async with running(client, MemorySink()):
                await until(lambda: client.counters.refused > 0)
                assert not client.is_receiving
                assert client.counters.connects == 0

    asyncio.run(run())


@each_client
@each_protocol
def test_a_missing_suback_is_mended_by_a_new_connection(kind: str, protocol: str) -> None:
    async def run() -> None:
        silent = ScriptedBroker(codes.MQTT_5 if protocol == "5" else codes.MQTT_311, suback=None)
        async with scripted(silent) as server:
            client = make(kind, server.port, protocol=protocol, connect_timeout_s=0.5)
            async with running(client, MemorySink()):
                await until(lambda: client.counters.missing_subacks == 1)
                server.suback = (1, 1)
                await until(lambda: client.is_receiving)
                assert client.counters.forced_reconnects >= 1

    asyncio.run(run())


@each_client
@each_protocol
def test_a_topic_that_is_not_utf8_is_handed_on(kind: str, protocol: str) -> None:
    level = codes.MQTT_5 if protocol == "5" else codes.MQTT_311
    bad = packets.publish(b"a/\xff", b"x", level=level, packet_id=9)

    async def run() -> None:
        async with scripted(ScriptedBroker(level, greeting=bad)) as server:
            sink = MemorySink()
            async with running(make(kind, server.port, protocol=protocol), sink):
                await until(lambda: (codes.PUBACK, b"\x00\x09") in server.received)
            assert [(d.topic, d.payload) for d in sink.deliveries] == [(b"a/\xff", b"x")]

    asyncio.run(run())


@each_client
def test_acknowledgements_leave_in_arrival_order(kind: str) -> None:
    ids = [7, 3, 65_535, 1]
    greeting = b"".join(packets.publish(TOPIC, b"x", level=codes.MQTT_5, packet_id=number) for number in ids)

    async def run() -> None:
        async with scripted(ScriptedBroker(codes.MQTT_5, greeting=greeting)) as server:
            sink = MemorySink(is_answering=False, code=0x99)
            async with running(make(kind, server.port), sink):
                await until(lambda: len(sink.deliveries) == 4)
                await asyncio.to_thread(sink.answer)
                await until(lambda: len([1 for header, _ in server.received if header == codes.PUBACK]) == 4)
            answers = [body for header, body in server.received if header == codes.PUBACK]
            assert answers == [number.to_bytes(2, "big") for number in ids]

    asyncio.run(run())


class FailingSink(MemorySink):
    """Fails for the messages named so."""

    def put(self, deliveries: list[Delivery]) -> None:
        if any(delivery.payload == b"poison" for delivery in deliveries):
            raise ZeroDivisionError
        super().put(deliveries)


def test_a_callback_that_fails_does_not_end_pahos_thread() -> None:
    greeting = b"".join(
        packets.publish(TOPIC, payload, level=codes.MQTT_5, packet_id=number)
        for number, payload in enumerate([b"one", b"poison", b"two"], 1)
    )

    async def run() -> None:
        async with scripted(ScriptedBroker(codes.MQTT_5, greeting=greeting)) as server:
            sink = FailingSink()
            client = make("paho", server.port)
            async with running(client, sink):
                await until(lambda: sink.payloads == [b"one", b"two"])
                assert client.counters.failed == 1
                assert client.is_alive
                assert client.n_unacknowledged >= 1

    asyncio.run(run())


def test_a_sink_that_fails_makes_the_fast_client_connect_anew() -> None:
    poison = packets.publish(TOPIC, b"poison", level=codes.MQTT_5, packet_id=1)

    async def run() -> None:
        async with scripted(ScriptedBroker(codes.MQTT_5, greeting=poison)) as server:
            client = make("fast", server.port)
            async with running(client, FailingSink()):
                await until(lambda: client.counters.failed >= 1)
                server.greeting = b""
                await until(lambda: server.n_connections >= 2 and client.is_receiving)

    asyncio.run(run())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_network_thread_is_replaced() -> None:
    async def run() -> None:
        async with scripted(ScriptedBroker(codes.MQTT_5)) as server:
            client = make("paho", server.port)
            async with running(client, MemorySink()):
                thread = next(one for one in threading.enumerate() if one.name.startswith("paho-mqtt"))
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
                )
                await until(lambda: not thread.is_alive())
                await until(lambda: client.counters.dead_threads == 1 and client.is_receiving)
                assert client.is_alive
                assert server.n_connections == 2

    asyncio.run(run())


@each_client
def test_a_full_sink_holds_the_messages_back(kind: str) -> None:
    greeting = b"".join(packets.publish(TOPIC, b"x" * 1000, level=5, packet_id=n) for n in range(1, 10_001))

    async def run() -> None:
        async with scripted(ScriptedBroker(codes.MQTT_5, greeting=greeting)) as server:
            sink = MemorySink(is_answering=False)
            sink.is_full = True
            client = make(kind, server.port)
            async with running(client, sink):
                await asyncio.sleep(1)
                assert 1 <= len(sink.deliveries) < 600
                assert client.is_receiving
                sink.is_full = False
                await until(lambda: len(sink.deliveries) == 10_000)

    asyncio.run(run())


def test_the_fast_client_leaves_a_broker_that_answers_no_pings() -> None:
    async def run() -> None:
        async with scripted(ScriptedBroker(codes.MQTT_5, is_answering_pings=False)) as server:
            client = make("fast", server.port)
            async with running(client, MemorySink()):
                await until(lambda: server.n_connections == 2)
                assert (codes.PINGREQ, b"") in server.received
                assert client.counters.disconnects == 1

    asyncio.run(run())


def test_an_old_unacknowledged_message_forces_a_new_connection_unless_the_sink_is_full() -> None:
    link = broker.Link(MqttSettings())
    link.accepted(session_present=True)
    link.answered([1, 1])
    assert link.trouble(59.0, sink_is_full=False) is None
    assert link.trouble(61.0, sink_is_full=True) is None
    why = link.trouble(61.0, sink_is_full=False)
    assert why is not None
    assert "61 s" in why


def test_a_suback_with_too_few_codes_is_a_denial() -> None:
    link = broker.Link(MqttSettings())
    link.accepted(session_present=True)
    link.answered([1])
    assert not link.is_receiving
    assert link.counters.denied_subscriptions == 1


def test_messages_in_flight_are_counted_and_aged() -> None:
    flight = broker.InFlight()
    assert (len(flight), flight.oldest_s()) == (0, 0.0)
    flight.arrived(3)
    flight.arrived(2)
    flight.acknowledged(4)
    assert len(flight) == 1
    assert flight.oldest_s() >= 0.0
    flight.acknowledged(1)
    flight.arrived(0)  # a batch of QoS 0 alone waits for nothing
    assert (len(flight), flight.oldest_s()) == (0, 0.0)


def test_reconnects_are_spread_and_bounded() -> None:
    first = {broker.reconnect_delay_s(0) for _ in range(50)}
    late = {broker.reconnect_delay_s(50) for _ in range(50)}
    assert len(first) > 40
    assert min(first) >= 0.5
    assert max(first) <= 1.0
    assert min(late) >= 15.0
    assert max(late) <= 30.0
