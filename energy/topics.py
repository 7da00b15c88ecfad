"""The MQTT topic scheme: `jieneng/v1/<institution>/<gateway>/readings` and `.../status`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from energy.errors import TopicError
from energy.model import is_id

PREFIX: Final = "jieneng/v1"
Channel = Literal["readings", "status"]
_CHANNELS: Final[tuple[Channel, ...]] = ("readings", "status")


@dataclass(frozen=True, slots=True)
class Topic:
    """Where a message of a gateway belongs."""

    institution: str
    gateway: str
    channel: Channel = "readings"

    def __post_init__(self) -> None:
        if not is_id(self.institution):
            raise TopicError(f"institution {self.institution[:80]!r} is not an id")
        if not is_id(self.gateway):
            raise TopicError(f"gateway {self.gateway[:80]!r} is not an id")
        _channel(self.channel)

    def __str__(self) -> str:
        return f"{PREFIX}/{self.institution}/{self.gateway}/{self.channel}"


def parse(text: str) -> Topic:
    """The topic a text names, or TopicError saying what was expected."""
    parts = text.split("/")
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != PREFIX:
        raise TopicError(f"topic {text[:200]!r}: expected {PREFIX}/<institution>/<gateway>/readings|status")
    return Topic(parts[2], parts[3], _channel(parts[4]))


def _channel(text: str) -> Channel:
    for channel in _CHANNELS:
        if text == channel:
            return channel
    raise TopicError(f"channel {text[:80]!r}: expected one of {', '.join(_CHANNELS)}")


def subscription(channel: Channel = "readings", *, group: str | None = None) -> str:
    """The filter a collector subscribes to; with `group` as an MQTT shared subscription."""
    wanted = f"{PREFIX}/+/+/{channel}"
    return f"$share/{group}/{wanted}" if group else wanted
