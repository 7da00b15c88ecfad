"""The primitive types of MQTT: integers, variable byte integers, strings, binary data (MQTT 5.0 section 1.5)."""

from __future__ import annotations

from typing import Final

from collector.mqtt.codes import MALFORMED
from energy.errors import MqttError

LARGEST_LENGTH: Final = 268_435_455


class Cursor:
    """Reads primitive types one after the other; MqttError (malformed) where the bytes end too soon."""

    __slots__ = ("_data", "_end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self._data = data
        self._end = len(data) if end is None else end
        self.position = position

    @property
    def is_at_end(self) -> bool:
        """True when nothing is left."""
        return self.position >= self._end

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        stop = self.position + count
        if stop > self._end:
            raise MqttError(MALFORMED, f"packet ends {stop - self._end} bytes too soon")
        taken = self._data[self.position : stop]
        self.position = stop
        return taken

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """A two byte integer."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """A four byte integer."""
        return int.from_bytes(self.take(4), "big")

    def packet_id(self) -> int:
        """A packet identifier, which is never 0."""
        value = self.u16()
        if value == 0:
            raise MqttError(MALFORMED, "packet identifier 0")
        return value

    def varint(self) -> int:
        """A variable byte integer of at most four bytes, in its shortest form."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise MqttError(MALFORMED, "variable byte integer is not in its shortest form")
                return value
        raise MqttError(MALFORMED, "variable byte integer longer than four bytes")

    def binary(self) -> bytes:
        """Binary data behind its two byte length."""
        return self.take(self.u16())

    def text(self) -> str:
        """A UTF-8 string behind its two byte length."""
        return decode_text(self.binary())

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self._end - self.position)


def decode_text(raw: bytes) -> str:
    """A UTF-8 string; ill-formed UTF-8, surrogates and U+0000 make the packet malformed (section 1.5.4)."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as exc:
        raise MqttError(MALFORMED, f"string is not UTF-8: {exc.reason} at byte {exc.start}") from exc
    if "\x00" in text:
        raise MqttError(MALFORMED, "string holds U+0000")
    return text


def varint(value: int) -> bytes:
    """A variable byte integer."""
    if not 0 <= value <= LARGEST_LENGTH:
        raise ValueError(f"{value} is not a length MQTT can carry (0 .. {LARGEST_LENGTH})")
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def u16(value: int) -> bytes:
    """A two byte integer."""
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    """A four byte integer."""
    return value.to_bytes(4, "big")


def binary(value: bytes) -> bytes:
    """Binary data behind its two byte length."""
    if len(value) > 0xFFFF:
        raise ValueError(f"{len(value)} bytes do not fit a two byte length")
    return u16(len(value)) + value


def text(value: str) -> bytes:
    """A UTF-8 string behind its two byte length."""
    return binary(value.encode())


def packet(header: int, *parts: bytes) -> bytes:
    """A whole packet: fixed header, remaining length, body."""
    body = b"".join(parts)
    return bytes((header,)) + varint(len(body)) + body
