"""Names of packet types, protocol levels and reason codes (MQTT 5.0 sections 2.1.2 and 2.4)."""

from __future__ import annotations

from typing import Final

MQTT_311: Final = 4
MQTT_5: Final = 5

CONNECT: Final = 0x10
CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
PUBREC: Final = 0x50
PUBREL: Final = 0x62
PUBCOMP: Final = 0x70
SUBSCRIBE: Final = 0x82
SUBACK: Final = 0x90
UNSUBSCRIBE: Final = 0xA2
UNSUBACK: Final = 0xB0
PINGREQ: Final = 0xC0
PINGRESP: Final = 0xD0
DISCONNECT: Final = 0xE0
AUTH: Final = 0xF0

SUCCESS: Final = 0x00
NO_SUBSCRIPTION_EXISTED: Final = 0x11
UNSPECIFIED: Final = 0x80
MALFORMED: Final = 0x81
PROTOCOL_ERROR: Final = 0x82
UNSUPPORTED_VERSION: Final = 0x84
BAD_CLIENT_ID: Final = 0x85
BAD_CREDENTIALS: Final = 0x86
NOT_AUTHORIZED: Final = 0x87
SERVER_UNAVAILABLE: Final = 0x88
SERVER_BUSY: Final = 0x89
SHUTTING_DOWN: Final = 0x8B
BAD_AUTH_METHOD: Final = 0x8C
KEEP_ALIVE_TIMEOUT: Final = 0x8D
TAKEN_OVER: Final = 0x8E
BAD_TOPIC_NAME: Final = 0x90
PACKET_ID_UNKNOWN: Final = 0x92
RECEIVE_MAXIMUM_EXCEEDED: Final = 0x93
BAD_TOPIC_ALIAS: Final = 0x94
PACKET_TOO_LARGE: Final = 0x95
QOS_UNSUPPORTED: Final = 0x9B
SHARED_UNSUPPORTED: Final = 0x9E
CONNECT_TIMEOUT: Final = 0xA0
WILDCARD_UNSUPPORTED: Final = 0xA2

SUBSCRIBE_FAILED_311: Final = 0x80

# MQTT 3.1.1 section 3.2.2.3 knows five refusals; whatever is not here is answered by closing the connection.
CONNECT_REFUSED_311: Final = {
    UNSUPPORTED_VERSION: 1,
    BAD_CLIENT_ID: 2,
    SERVER_UNAVAILABLE: 3,
    SERVER_BUSY: 3,
    BAD_CREDENTIALS: 4,
    NOT_AUTHORIZED: 5,
}
