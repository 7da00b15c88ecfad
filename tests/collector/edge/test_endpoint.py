"""The endpoint with real clients, with bad ones, under pressure, over TLS, and at its end."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import gmqtt
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from collector.endpoint import Endpoint
from collector.mqtt import codes, packets
from energy.errors import RegistryError, SettingsError
from energy.settings import MqttSettings
from tests.collector.edge.peers import (
    SECRET,
    MemorySink,
    connected_peer,
    hello,
    knows_secret,
    make_certificate,
    raw_peer,
    raw_publish,
    running_endpoint,
    until,
)
from tests.servers import tool

V3, V5 = codes.MQTT_311, codes.MQTT_5
TOPIC = "jieneng/v1/99001/gw-1/readings"


def publish_with_paho(port: int, protocol: Any, qos: int, count: int, tls_ca: Path | None = None) -> list[int]:
    """Publish as a gateway does; the reason codes of the answers."""
    answers: list[int] = []
    is_accepted = threading.Event()
    clean = None if protocol == paho.MQTTv5 else True
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gw", clean_session=clean, protocol=protocol)
    client.username_pw_set("gw-1", SECRET.decode())
    client.on_publish = lambda client, data, mid, reason, found: answers.append(reason.value)
    client.on_connect = lambda *_: is_accepted.set()
    if tls_ca is not None:
        client.tls_set(str(tls_ca))
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert is_accepted.wait(10)
    for number in range(count):
        client.publish(TOPIC, str(number), qos).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()
    return answers


@pytest.mark.parametrize("protocol", [paho.MQTTv311, paho.MQTTv5], ids=["3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1])
def test_paho_is_served(protocol: Any, qos: int) -> None:
    sink = MemorySink()

    async def run() -> list[int]:
        async with running_endpoint(sink) as endpoint:
            answers = await asyncio.to_thread(publish_with_paho, endpoint.port, protocol, qos, 50)
            await until(lambda: len(sink.deliveries) == 50)
            return answers

    assert asyncio.run(run()) == [0] * 50
    assert sink.payloads == [str(number).encode() for number in range(50)]
    first = sink.deliveries[0]
    assert (first.topic, first.qos, first.gateway, first.retained) == (TOPIC.encode(), qos, "gw-1", False)


def test_paho_hears_that_a_message_was_parked() -> None:
    async def run() -> list[int]:
        async with running_endpoint(MemorySink(code=0x99)) as endpoint:
            return await asyncio.to_thread(publish_with_paho, endpoint.port, paho.MQTTv5, 1, 3)

    assert asyncio.run(run()) == [0x99, 0x99, 0x99]


def test_a_parked_message_is_plainly_acknowledged_in_3_1_1() -> None:
    async def run() -> list[int]:
        async with running_endpoint(MemorySink(code=0x99)) as endpoint:
            return await asyncio.to_thread(publish_with_paho, endpoint.port, paho.MQTTv311, 1, 3)

    assert asyncio.run(run()) == [0, 0, 0]


@pytest.mark.services
@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquitto_pub_is_served(version: str) -> None:
    program = tool("mosquitto_pub", where="Debian's mosquitto-clients has it")
    sink = MemorySink()

    async def run() -> int:
        async with running_endpoint(sink) as endpoint:
            arguments = ["-V", version, "-p", str(endpoint.port), "-u", "gw-1", "-P", SECRET.decode()]
            arguments += ["-h", "127.0.0.1", "-t", TOPIC, "-m", "reading", "-q", "1", "--repeat", "5"]
            process = await asyncio.create_subprocess_exec(program, *arguments)
            return await process.wait()

    assert asyncio.run(run()) == 0
    assert sink.payloads == [b"reading"] * 5


@pytest.mark.parametrize("version", [V3, V5])
def test_gmqtt_is_served(version: int) -> None:
    sink = MemorySink()

    async def run() -> None:
        async with running_endpoint(sink) as endpoint:
            client = gmqtt.Client("gmqtt")
            client.set_auth_credentials("gw-1", SECRET)
            await client.connect("127.0.0.1", endpoint.port, version=version)
            for number in range(20):
                client.publish(TOPIC, f"{number}", qos=1, content_type="json")
            await until(lambda: len(sink.deliveries) == 20)
            await client.disconnect()

    asyncio.run(run())
    assert sink.payloads == [str(number).encode() for number in range(20)]


def test_a_puback_comes_only_when_the_sink_says_so() -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with running_endpoint(sink) as endpoint, connected_peer(endpoint) as peer:
            peer.send(raw_publish(V5, 1), raw_publish(V5, 2), raw_publish(V5, 3, qos=0), packets.PINGREQ_PACKET)
            assert await peer.packet() == (codes.PINGRESP, b"")
            assert len(sink.deliveries) == 3
            sink.answer()
            assert await peer.packet() == (codes.PUBACK, b"\x00\x01")
            assert await peer.packet() == (codes.PUBACK, b"\x00\x02")
            assert await peer.is_served()

    asyncio.run(run())


def test_acknowledgements_for_a_connection_that_is_gone_are_dropped() -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with running_endpoint(sink) as endpoint:
            async with connected_peer(endpoint) as peer:
                peer.send(raw_publish(V5, 1))
                await until(lambda: len(sink.deliveries) == 1)
            await until(lambda: endpoint.n_connections == 0)
            async with connected_peer(endpoint) as peer:
                sink.answer()
                assert await peer.is_served()

    asyncio.run(run())


def test_many_threads_may_acknowledge_at_once() -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with running_endpoint(sink) as endpoint, connected_peer(endpoint) as peer:
            peer.send(*(raw_publish(V5, number) for number in range(1, 1001)))
            await until(lambda: len(sink.deliveries) == 1000)

            def answer(part: int) -> None:
                for delivery in sink.deliveries[part::4]:
                    delivery.acknowledger.acknowledge([delivery.token], [0])

            threads = [threading.Thread(target=answer, args=(part,)) for part in range(4)]
            for thread in threads:
                thread.start()
            answered = {(await peer.packet())[1] for _ in range(1000)}
            assert answered == {number.to_bytes(2, "big") for number in range(1, 1001)}
            for thread in threads:
                thread.join()

    asyncio.run(run())


def test_an_older_connection_of_the_same_client_is_taken_over() -> None:
    async def run() -> None:
        async with (
            running_endpoint(MemorySink()) as endpoint,
            connected_peer(endpoint, client_id="same") as older,
            connected_peer(endpoint, client_id="same") as newer,
        ):
            assert await older.end() == codes.TAKEN_OVER
            assert await newer.is_served()
            assert endpoint.counters.taken_over == 1

    asyncio.run(run())


def test_another_gateway_with_the_same_client_id_takes_nothing_over() -> None:
    async def run() -> None:
        async with (
            running_endpoint(MemorySink()) as endpoint,
            connected_peer(endpoint, client_id="same", username="gw-1") as one,
            connected_peer(endpoint, client_id="same", username="gw-2") as two,
        ):
            assert await two.is_served()
            assert await one.is_served()

    asyncio.run(run())


def test_without_required_credentials_anyone_may_publish_unnamed() -> None:
    async def run() -> None:
        sink = MemorySink()
        async with (
            running_endpoint(sink, require_credentials=False) as endpoint,
            connected_peer(endpoint, username=None, password=None) as peer,
        ):
            peer.send(raw_publish(V5, 1))
            assert await peer.packet() == (codes.PUBACK, b"\x00\x01")
            assert sink.deliveries[0].gateway is None

    asyncio.run(run())


def test_wrong_credentials_are_refused_even_where_none_are_required() -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink(), require_credentials=False) as endpoint, raw_peer(endpoint) as peer:
            peer.send(hello(V5, password=b"wrong"))
            _, body = await peer.packet()
            assert packets.parse_connack(body, V5).code == codes.BAD_CREDENTIALS

    asyncio.run(run())


@pytest.mark.parametrize(("level", "code"), [(V3, 3), (V5, codes.SERVER_UNAVAILABLE)])
def test_a_registry_that_is_down_is_said_to_be_down(level: int, code: int) -> None:
    def registry_is_down(username: str, password: bytes) -> str | None:
        raise RegistryError("database is locked")

    async def run() -> None:
        async with (
            running_endpoint(MemorySink(), authenticate=registry_is_down) as endpoint,
            raw_peer(endpoint, level) as peer,
        ):
            peer.send(hello(level))
            _, body = await peer.packet()
            assert packets.parse_connack(body, level).code == code

    asyncio.run(run())


def test_an_authenticator_that_fails_ends_one_connection_only() -> None:
    def broken(username: str, password: bytes) -> str | None:
        raise ZeroDivisionError if username == "gw-bad" else LookupError if username == "gw-worse" else KeyError

    def sometimes(username: str, password: bytes) -> str | None:
        return knows_secret(username, password) if username == "gw-1" else broken(username, password)

    async def run() -> None:
        async with (
            running_endpoint(MemorySink(), authenticate=sometimes) as endpoint,
            connected_peer(endpoint) as peer,
            raw_peer(endpoint) as unlucky,
        ):
            unlucky.send(hello(V5, "unlucky", username="gw-bad"))
            assert await unlucky.end() is None
            assert endpoint.counters.failed == 1
            assert await peer.is_served()

    asyncio.run(run())


@pytest.mark.parametrize(("level", "code"), [(V3, 3), (V5, codes.SERVER_BUSY)])
def test_connections_beyond_the_limit_are_refused(level: int, code: int) -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink(), max_connections=1) as endpoint, connected_peer(endpoint) as peer:
            async with raw_peer(endpoint, level) as late:
                late.send(hello(level, "late"))
                _, body = await late.packet()
                assert packets.parse_connack(body, level).code == code
            assert await peer.is_served()

    asyncio.run(run())


def test_a_connection_that_never_says_connect_is_closed() -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink(), connect_timeout_s=0.2) as endpoint, raw_peer(endpoint) as peer:
            peer.send(hello(V5)[:-1])
            assert await peer.silence() == b""
            assert endpoint.counters.timed_out == 1

    asyncio.run(run())


def test_a_silent_connection_is_closed_after_one_and_a_half_keep_alives() -> None:
    async def run() -> None:
        async with (
            running_endpoint(MemorySink(), connect_timeout_s=0.4) as endpoint,
            connected_peer(endpoint, keepalive_s=1) as peer,
        ):
            assert await peer.end() == codes.KEEP_ALIVE_TIMEOUT
            assert endpoint.counters.timed_out == 1

    asyncio.run(run())


def test_pings_keep_a_connection_open() -> None:
    async def run() -> None:
        async with (
            running_endpoint(MemorySink(), connect_timeout_s=0.4) as endpoint,
            connected_peer(endpoint, keepalive_s=1) as peer,
        ):
            for _ in range(6):
                await asyncio.sleep(0.5)
                assert await peer.is_served()

    asyncio.run(run())


def test_a_full_sink_stops_the_reading_until_there_is_room() -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with (
            running_endpoint(sink, connect_timeout_s=0.2) as endpoint,
            connected_peer(endpoint, keepalive_s=1) as peer,
        ):
            sink.is_full = True
            flood = b"".join(raw_publish(V5, number, payload=b"x" * 1_000) for number in range(1, 20_001))
            peer.writer.write(flood)
            await asyncio.sleep(2.5)  # longer than the keep-alive: silence is ours, not the peer's
            assert 1 <= len(sink.deliveries) < 100
            sink.is_full = False
            await until(lambda: len(sink.deliveries) == 20_000)
            sink.answer()
            assert (await peer.packet())[0] == codes.PUBACK

    asyncio.run(run())


def test_3_1_1_with_too_much_in_flight_waits_instead_of_being_closed() -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with running_endpoint(sink, receive_maximum=100) as endpoint, connected_peer(endpoint, V3) as peer:
            peer.writer.write(b"".join(raw_publish(V3, n, payload=b"x" * 1_000) for n in range(1, 2_001)))
            await asyncio.sleep(0.3)
            assert 100 < len(sink.deliveries) < 400
            sink.is_answering = True
            sink.answer()
            await until(lambda: len(sink.deliveries) == 2_000)

    asyncio.run(run())


def test_a_peer_that_does_not_read_is_not_read_either() -> None:
    flood = packets.PINGREQ_PACKET * 32_768

    def send(connection: socket.socket) -> int:
        """Ping without reading an answer; the bytes sent when nothing more was taken for a while."""
        connection.settimeout(0.5)
        n_sent = 0
        with suppress(TimeoutError):
            while n_sent < 64_000_000:
                n_sent += connection.send(flood)
        return n_sent

    async def run() -> None:
        async with running_endpoint(MemorySink()) as endpoint, connected_peer(endpoint) as other:
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                await asyncio.to_thread(connection.connect, ("127.0.0.1", endpoint.port))
                connection.sendall(hello(V3, "deaf"))
                n_sent = await asyncio.to_thread(send, connection)
                assert n_sent < 64_000_000
                assert endpoint.counters.received_bytes < n_sent
                assert await other.is_served()
            await until(lambda: endpoint.n_connections == 1)

    asyncio.run(run())


def test_tls_is_served_and_plain_text_refused(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    sink = MemorySink()

    async def run() -> None:
        async with running_endpoint(sink, tls_cert=cert, tls_key=key, connect_timeout_s=2) as endpoint:
            answers = await asyncio.to_thread(publish_with_paho, endpoint.port, paho.MQTTv5, 1, 20, cert)
            assert answers == [0] * 20
            async with raw_peer(endpoint) as plain:
                plain.send(hello(V5))
                assert codes.CONNACK not in await plain.silence()

    asyncio.run(run())
    assert len(sink.deliveries) == 20


def tls_connack(port: int, ca: Path, pair: tuple[Path, Path] | None, connect: bytes) -> int | None:
    """The reason code that answers a CONNECT over TLS; None where the connection ends without one."""
    context = ssl.create_default_context(cafile=str(ca))
    if pair is not None:
        context.load_cert_chain(*pair)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as peer,
        ):
            peer.sendall(connect)
            answer = peer.recv(64)
    except OSError:
        return None
    return answer[3] if answer else None


@pytest.mark.parametrize("require_credentials", [True, False])
def test_a_gateway_needs_a_certificate_of_its_own_where_the_endpoint_asks_for_one(
    tmp_path: Path, require_credentials: bool
) -> None:
    cert, key = make_certificate(tmp_path / "server")
    gateway, other, stranger = (make_certificate(tmp_path / name, name) for name in ("gw-1", "gw-2", "gw-3"))
    known = tmp_path / "known.pem"
    known.write_text(gateway[0].read_text() + other[0].read_text())
    options = {"tls_cert": cert, "tls_key": key, "tls_client_ca": known, "require_credentials": require_credentials}

    async def run() -> list[int | None]:
        async with running_endpoint(MemorySink(), **options) as endpoint:
            return [
                await asyncio.to_thread(tls_connack, endpoint.port, cert, pair, connect)
                for pair in (gateway, other, stranger, None)
                for connect in (hello(V5), hello(V5, username=None, password=None))
            ]

    refused = codes.NOT_AUTHORIZED
    alone = refused if require_credentials else 0
    assert asyncio.run(run()) == [0, alone, refused, alone, None, None, None, None]


def test_a_certificate_alone_is_the_identity_where_no_credentials_are_required() -> None:
    settings = MqttSettings(require_credentials=False)
    assert Endpoint(settings).identify(None, None, "gw-1") == "gw-1"
    assert Endpoint(settings).identify(None, None) is None


def test_a_certificate_without_its_key_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"mqtt\.tls_key is not set"):
        Endpoint(MqttSettings(tls_cert=tmp_path / "cert.pem"), authenticate=knows_secret)


def test_a_broken_certificate_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    settings = MqttSettings(tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "cert.pem")
    with pytest.raises(SettingsError, match="expected a PEM pair"):
        Endpoint(settings, authenticate=knows_secret)


def test_credentials_cannot_be_required_without_a_way_to_check_them() -> None:
    with pytest.raises(SettingsError, match="require_credentials"):
        Endpoint(MqttSettings())


def test_a_port_that_is_taken_is_named() -> None:
    async def run() -> None:
        async with running_endpoint(MemorySink()) as first:
            second = Endpoint(MqttSettings(port=first.port), authenticate=knows_secret)
            with pytest.raises(SettingsError, match=f"port {first.port}"):
                await second.start(MemorySink())

    asyncio.run(run())


def test_a_stopped_endpoint_reads_nothing_more_but_still_acknowledges() -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with running_endpoint(sink) as endpoint, connected_peer(endpoint) as peer:
            assert endpoint.is_alive
            peer.send(raw_publish(V5, 1))
            await until(lambda: len(sink.deliveries) == 1)
            await endpoint.stop()
            assert not endpoint.is_alive
            peer.send(raw_publish(V5, 2))
            await asyncio.sleep(0.1)
            assert len(sink.deliveries) == 1
            with pytest.raises(OSError):  # noqa: PT012  # refused at once, or reset before anything is answered
                async with raw_peer(endpoint) as late:
                    late.send(hello(V5))
                    await late.reader.readexactly(1)
            sink.answer()
            assert await peer.packet() == (codes.PUBACK, b"\x00\x01")
            await endpoint.close()
            assert await peer.end() == codes.SHUTTING_DOWN

    asyncio.run(run())


def test_closing_writes_the_acknowledgements_first() -> None:
    async def run() -> None:
        sink = MemorySink(is_answering=False)
        async with running_endpoint(sink) as endpoint, connected_peer(endpoint) as peer:
            peer.send(*(raw_publish(V5, number) for number in range(1, 101)))
            await until(lambda: len(sink.deliveries) == 100)
            sink.answer()
            await endpoint.close()
            assert [(await peer.packet())[1] for _ in range(100)] == [n.to_bytes(2, "big") for n in range(1, 101)]
            assert await peer.end() == codes.SHUTTING_DOWN

    asyncio.run(run())


def test_acknowledgements_after_the_end_are_dropped() -> None:
    sink = MemorySink(is_answering=False)

    async def run() -> None:
        async with running_endpoint(sink) as endpoint, connected_peer(endpoint) as peer:
            peer.send(raw_publish(V5, 1))
            await until(lambda: len(sink.deliveries) == 1)

    asyncio.run(run())
    sink.answer()
    assert len(sink.deliveries) == 1
