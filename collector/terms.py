"""What an ingest-only MQTT server tells its clients that it is not, by the specification's own means.

CONNACK announces Maximum QoS 1, no retained messages, no wildcard, shared or identified subscriptions and no session;
SUBSCRIBE gets failure codes, QoS 2 the reason 0x9B. Two things are taken although announced as not supported, because
refusing them would lose readings and make nothing safer: a publish with the retain flag (the delivery says
`retained`), and a will, retained or not (never passed on; only a v5 will of QoS 2 is refused, as MQTT-3.2.2-12
demands).
"""

from __future__ import annotations

from typing import Final

from collector.mqtt import codes, packets
from collector.mqtt import properties as props
from energy.errors import MqttError
from energy.settings import MqttSettings

LONGEST_CLIENT_ID: Final = 256
LONGEST_KEEP_ALIVE_S: Final = 3_600


def check_connect(wanted: packets.Connect) -> None:
    """MqttError for what a well-formed CONNECT may still not ask of us."""
    if props.AUTH_METHOD in wanted.properties:
        raise MqttError(codes.BAD_AUTH_METHOD, "extended authentication is not supported")
    if len(wanted.client_id) > LONGEST_CLIENT_ID:
        raise MqttError(codes.BAD_CLIENT_ID, f"client id longer than {LONGEST_CLIENT_ID} characters")
    if wanted.level == codes.MQTT_311 and not wanted.client_id and not wanted.is_clean:
        raise MqttError(codes.BAD_CLIENT_ID, "empty client id without clean session (MQTT-3.1.3-8)")
    if wanted.level == codes.MQTT_5 and wanted.will is not None and wanted.will.qos == 2:
        raise MqttError(codes.QOS_UNSUPPORTED, "will of QoS 2, though Maximum QoS is 1")


def keepalive_s(wanted: packets.Connect) -> int:
    """The keep-alive that holds; only MQTT 5 lets a server impose one, so that no dead connection stays for ever."""
    if wanted.level == codes.MQTT_311:
        return wanted.keepalive_s
    return min(wanted.keepalive_s or LONGEST_KEEP_ALIVE_S, LONGEST_KEEP_ALIVE_S)


def patience_s(wanted: packets.Connect) -> float:
    """How long a client may be silent (MQTT-3.1.2-22: one and a half keep-alives)."""
    return 1.5 * keepalive_s(wanted) or float("inf")


def announced(wanted: packets.Connect, client_id: str, settings: MqttSettings) -> props.Properties:
    """The properties of the CONNACK; 3.1.1 has none."""
    if wanted.level == codes.MQTT_311:
        return {}
    found: props.Properties = {
        props.RECEIVE_MAXIMUM: settings.receive_maximum,
        props.MAXIMUM_QOS: 1,
        props.RETAIN_AVAILABLE: 0,
        props.MAXIMUM_PACKET_SIZE: settings.max_packet_bytes,
        props.TOPIC_ALIAS_MAXIMUM: 0,
        props.WILDCARD_AVAILABLE: 0,
        props.SUBSCRIPTION_IDS_AVAILABLE: 0,
        props.SHARED_AVAILABLE: 0,
    }
    if wanted.properties.get(props.SESSION_EXPIRY):
        found[props.SESSION_EXPIRY] = 0
    if keepalive_s(wanted) != wanted.keepalive_s:
        found[props.SERVER_KEEP_ALIVE] = keepalive_s(wanted)
    if not wanted.client_id:
        found[props.ASSIGNED_CLIENT_ID] = client_id
    return found


def subscription_refusal(topic: str, *, is_v5: bool) -> int:
    """The failure code for one subscription."""
    if not is_v5:
        return codes.SUBSCRIBE_FAILED_311
    if topic.startswith("$share/"):
        return codes.SHARED_UNSUPPORTED
    if "+" in topic or "#" in topic:
        return codes.WILDCARD_UNSUPPORTED
    return codes.NOT_AUTHORIZED
