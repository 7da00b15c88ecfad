"""The shipped broker configuration, line by line, on a real Mosquitto."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.servers import ROOT, Mosquitto, server_path, wait_until

pytestmark = pytest.mark.services
DEPLOY = ROOT / "deploy" / "mosquitto"
PASSWORDS = {"gw1": "one", "gw2": "two", "jieneng-collector": "three"}


@dataclass
class ShippedMosquitto(Mosquitto):
    """Mosquitto with deploy/mosquitto/mosquitto.conf: only port and paths are replaced."""

    def command(self) -> list[str]:
        binary = server_path("MOSQUITTO")
        if self.persist_plugin is None:
            pytest.skip("this Mosquitto has no persist_sqlite plugin (2.1 or newer is needed)")
        text = (DEPLOY / "mosquitto.conf").read_text()
        text = re.sub(r"^listener 1883 .*$", f"listener {self.port} 127.0.0.1", text, flags=re.MULTILINE)
        text = text.replace("/usr/lib/mosquitto_persist_sqlite.so", str(self.persist_plugin))
        text = text.replace("/mosquitto/config/passwords", str(self.folder / "passwords"))
        text = text.replace("/mosquitto/config/acl", str(self.folder / "acl"))
        path = self.folder / "mosquitto.conf"
        path.write_text(f"{text}\nuser root\npersistence_location {self.folder}/\n")
        self.environment = {"LD_LIBRARY_PATH": str(binary.parent.parent / "lib")}
        return [str(binary), "-c", str(path)]

    def prepare(self) -> None:
        """Access rules as shipped, and a password file made by Mosquitto's own tool."""
        (self.folder / "acl").write_text((DEPLOY / "acl").read_text())
        (self.folder / "acl").chmod(0o600)
        passwords = self.folder / "passwords"
        tool = server_path("MOSQUITTO").parent.parent / "bin" / "mosquitto_passwd"
        command = str(tool) if tool.is_file() else "mosquitto_passwd"
        passwords.touch(mode=0o600)
        library = {"LD_LIBRARY_PATH": str(tool.parent.parent / "lib")}
        for user, password in PASSWORDS.items():
            subprocess.run(
                [command, "-b", str(passwords), user, password], check=True, env=library, capture_output=True
            )


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ShippedMosquitto]:
    from tests.servers import free_port

    server_path("MOSQUITTO")
    server = ShippedMosquitto(tmp_path, free_port())
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def connect(broker: ShippedMosquitto) -> Iterator[Callable[..., paho.Client]]:
    made: list[paho.Client] = []

    def make(user: str | None, *, expiry_s: int = 0) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=user or "nobody", protocol=paho.MQTTv5)
        if user is not None:
            client.username_pw_set(user, PASSWORDS[user])
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = expiry_s
        client.connect("127.0.0.1", broker.port, clean_start=expiry_s == 0, properties=properties)
        client.loop_start()
        made.append(client)
        return client

    yield make
    for client in made:
        client.disconnect()
        client.loop_stop()


def reason_of_publish(client: paho.Client, topic: str) -> int:
    """The reason code with which the broker answers a QoS 1 publish."""
    codes: list[ReasonCode] = []
    client.on_publish = lambda *rest: codes.append(rest[3])
    wait_until(client.is_connected, timeout_s=10, what="connection")
    client.publish(topic, b"{}", qos=1)
    wait_until(lambda: bool(codes), timeout_s=10, what="PUBACK")
    return int(codes[0].value)


def test_a_gateway_may_write_below_its_own_name_only(connect: Callable[..., paho.Client]) -> None:
    gateway = connect("gw1")
    allowed, denied = {0x00, 0x10}, 0x87  # 0x10: no subscriber yet
    assert reason_of_publish(gateway, "jieneng/v1/i1/gw1/readings") in allowed
    assert reason_of_publish(gateway, "jieneng/v1/i1/gw1/status") in allowed
    assert reason_of_publish(gateway, "jieneng/v1/i1/gw2/readings") == denied
    assert reason_of_publish(gateway, "jieneng/v1/i1/gw1/other") == denied
    assert reason_of_publish(gateway, "$SYS/broker/uptime") == denied


def test_a_gateway_hears_nothing_of_others(connect: Callable[..., paho.Client]) -> None:
    spy, gateway = connect("gw2"), connect("gw1")
    heard: list[str] = []
    spy.on_message = lambda _client, _data, message: heard.append(message.topic)
    wait_until(spy.is_connected, timeout_s=10, what="connection")
    spy.subscribe("jieneng/v1/#", qos=1)
    assert reason_of_publish(gateway, "jieneng/v1/i1/gw1/readings") in {0x00, 0x10}
    assert reason_of_publish(gateway, "jieneng/v1/i1/gw1/readings") in {0x00, 0x10}  # a round trip later
    assert heard == []


def test_nobody_connects_without_a_name(broker: ShippedMosquitto) -> None:
    refused: list[bool] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: refused.append(reason.is_failure)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    wait_until(lambda: bool(refused), timeout_s=10, what="CONNACK")
    client.disconnect()
    client.loop_stop()
    assert refused[0]


def test_a_killed_broker_keeps_what_it_acknowledged_for_an_absent_collector(
    broker: ShippedMosquitto, connect: Callable[..., paho.Client]
) -> None:
    collector = connect("jieneng-collector", expiry_s=3600)
    wait_until(collector.is_connected, timeout_s=10, what="connection")
    granted = threading.Event()
    collector.on_subscribe = lambda *_rest: granted.set()
    collector.subscribe("jieneng/v1/+/+/readings", qos=1)
    assert granted.wait(10)
    collector.disconnect()
    collector.loop_stop()

    gateway = connect("gw1")
    acknowledged: set[int] = set()
    gateway.on_publish = lambda _client, _data, mid, *_rest: acknowledged.add(mid)
    wait_until(gateway.is_connected, timeout_s=10, what="connection")
    for n in range(3000):
        gateway.publish("jieneng/v1/i1/gw1/readings", str(n), qos=1)
    wait_until(lambda: len(acknowledged) == 3000, timeout_s=60, what="3000 PUBACKs")
    broker.kill()
    broker.start()

    heard: set[bytes] = set()
    again = connect("jieneng-collector", expiry_s=3600)
    again.on_message = lambda _client, _data, message: heard.add(message.payload)
    wait_until(lambda: len(heard) == 3000, timeout_s=60, what="3000 messages after the kill")
    assert heard == {str(n).encode() for n in range(3000)}
