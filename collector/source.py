"""The small interface behind which every source of messages stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Acknowledger(Protocol):
    """The connection (or client) a delivery came from."""

    def acknowledge(self, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Acknowledge deliveries in arrival order; callable from any thread, never blocks, ignores a dead connection.

        `tokens[i]` is answered with `codes[i]`: 0 taken; >= 0x80 tells an MQTT 5 sender that it was parked.
        """


class Delivery(msgspec.Struct, gc=False):
    """One message as it came: nothing of it is judged yet.

    `gateway` is the gateway id that the connection's credential proved, None behind a broker (whose access rules
    did that) or where credentials are not required.
    """

    topic: bytes
    payload: bytes
    token: int
    acknowledger: Acknowledger
    qos: int = 1
    gateway: str | None = None
    retained: bool = False


class Sink(Protocol):
    """Where a source puts what it receives."""

    def put(self, deliveries: list[Delivery]) -> None:
        """Take deliveries (called from the source's thread or loop; returns at once)."""

    @property
    def is_full(self) -> bool:
        """True while the source should stop reading from its connections (back-pressure)."""


class Source(Protocol):
    """A running source of deliveries."""

    async def start(self, sink: Sink) -> None:
        """Begin to receive; returns when listening or connected."""

    async def stop(self) -> None:
        """Stop receiving; deliveries already in the sink are still acknowledged until `close`."""

    async def close(self) -> None:
        """End all connections after the sink has drained."""

    @property
    def counters(self) -> DataclassInstance:
        """What happened since the start, for the metrics: whole numbers with names of our own."""

    @property
    def is_alive(self) -> bool:
        """False when the source will never receive again by itself: only a new process mends it (`/livez`)."""

    @property
    def is_receiving(self) -> bool:
        """True while messages can arrive; false while a broker is away or denies the subscription (`/readyz`)."""
