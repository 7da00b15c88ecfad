"""Our codec against paho's: each reads what the other sends, byte for byte where there is only one way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from collector.mqtt import codes, packets, wire
from collector.mqtt import properties as props

LEVELS = [(codes.MQTT_311, paho.MQTTv311), (codes.MQTT_5, paho.MQTTv5)]
both_levels = pytest.mark.parametrize(("level", "protocol"), LEVELS, ids=["3.1.1", "5"])


def cut(data: bytes) -> list[bytes]:
    """The packets in a recording."""
    found = []
    while data:
        cursor = wire.Cursor(data, 1)
        stop = cursor.varint() + cursor.position
        found.append(data[:stop])
        data = data[stop:]
    return found


def recorded(level: int, protocol: Any, act: Callable[[paho.Client], object]) -> list[bytes]:
    """What paho sends over a real connection: CONNECT, what `act` asks for, DISCONNECT."""
    data = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            data.extend(connection.recv(65_536))
            connection.sendall(packets.connack(packets.ConnAck(0), level))
            while piece := connection.recv(65_536):
                data.extend(piece)

    server = threading.Thread(target=serve)
    server.start()
    clean = True if level == codes.MQTT_311 else None
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="client", clean_session=clean, protocol=protocol)
    client.username_pw_set("gw-1", "secret")
    client.will_set("a/b", b"gone", qos=1, retain=True)
    accepted = threading.Event()
    client.on_connect = lambda *_: accepted.set()
    client.connect("127.0.0.1", listener.getsockname()[1])
    client.loop_start()
    assert accepted.wait(10)
    act(client)
    client.disconnect()
    server.join(10)
    client.loop_stop()
    listener.close()
    return cut(bytes(data))


@both_levels
def test_connect_is_built_as_paho_builds_it(level: int, protocol: Any) -> None:
    built = recorded(level, protocol, lambda client: None)
    will = packets.Will("a/b", b"gone", 1, True)
    ours = packets.Connect("client", level, True, 60, "gw-1", b"secret", will)
    assert built == [packets.connect(ours), packets.disconnect(codes.SUCCESS, level)]
    assert packets.parse_connect(built[0][2:]) == ours


@both_levels
def test_publish_is_built_as_paho_builds_it(level: int, protocol: Any) -> None:
    cases = [(qos, retain, size) for qos in (0, 1) for retain in (False, True) for size in (0, 1, 100, 20_000)]

    def publish(client: paho.Client) -> None:
        for qos, retain, size in cases:
            client.publish("topic/电", b"x" * size, qos, retain)

    built = recorded(level, protocol, publish)[1:-1]
    ours = [
        packets.publish("topic/电".encode(), b"x" * size, level=level, packet_id=number, qos=qos, retain=retain)
        for number, (qos, retain, size) in enumerate(cases, 1)
    ]
    assert sorted(built) == sorted(ours)  # paho may send a QoS 0 publish before an earlier QoS 1


def test_publish_properties_are_built_as_paho_builds_them() -> None:
    found = Properties(PacketTypes.PUBLISH)
    found.MessageExpiryInterval = 60
    found.UserProperty = [("a", "b"), ("a", "c")]
    built = recorded(codes.MQTT_5, paho.MQTTv5, lambda client: client.publish("t", b"x", 1, properties=found))
    ours = {0x02: 60, props.USER_PROPERTY: [("a", "b"), ("a", "c")]}
    assert built[1] == packets.publish(b"t", b"x", level=codes.MQTT_5, packet_id=1, properties=ours)


def test_properties_are_read_as_paho_writes_them() -> None:
    found = Properties(PacketTypes.CONNECT)
    found.SessionExpiryInterval = 604_800
    found.ReceiveMaximum = 500
    found.UserProperty = [("a", "b"), ("a", "c")]
    ours = {props.SESSION_EXPIRY: 604_800, props.RECEIVE_MAXIMUM: 500, props.USER_PROPERTY: [("a", "b"), ("a", "c")]}
    assert props.read(wire.Cursor(found.pack()), codes.CONNECT) == ours
    read_back = Properties(PacketTypes.CONNECT)
    read_back.unpack(props.write(ours))
    assert read_back.json() == found.json()


def test_subscribe_is_built_as_paho_builds_it() -> None:
    options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
    built = recorded(codes.MQTT_5, paho.MQTTv5, lambda client: client.subscribe([("a/+/b", options)]))
    assert built[1] == packets.subscribe(packets.Subscribe(1, [("a/+/b", 0x11)]), codes.MQTT_5)


def test_unsubscribe_is_built_as_paho_builds_it() -> None:
    built = recorded(codes.MQTT_311, paho.MQTTv311, lambda client: client.unsubscribe(["a/+/b", "c"]))
    assert built[1] == packets.unsubscribe(packets.Unsubscribe(1, ["a/+/b", "c"]), codes.MQTT_311)
