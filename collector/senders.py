"""Who sent a message: the topic says it, the registry knows it, and the credential must not contradict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.decoders import DECODERS, DEFAULT_PROFILE, Decoder
from collector.lookup import Lookup
from collector.roster import NOBODY, Roster
from collector.source import Delivery
from energy import topics
from energy.errors import TopicError
from energy.model import Reason

_MOST_TOPICS: Final = 50_000
"""Topics remembered; a stranger who invents more makes us forget, not grow."""


@dataclass(frozen=True, slots=True, eq=False)
class Sender:
    """Whom a topic names, and how to read what comes on it."""

    gateway: str
    roster: Roster
    decoder: Decoder
    is_status: bool = False
    refusal: Reason | None = None
    detail: str = ""


class Senders:
    """The senders of topics, as one revision of the registry has them; each topic is looked up once."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._known: dict[bytes, Sender] = {}

    def of(self, deliveries: Sequence[Delivery]) -> list[Sender]:
        """Who sent each message."""
        topics_sent = [delivery.topic for delivery in deliveries]
        self._resolve(set(topics_sent))
        senders = list(map(self._known.__getitem__, topics_sent))
        credentials = [delivery.gateway for delivery in deliveries]
        if credentials != [sender.gateway for sender in senders]:
            senders = list(map(_proven, senders, credentials))
        return senders

    def _resolve(self, topics_sent: set[bytes]) -> None:
        if self._known.keys() >= topics_sent:
            return
        if len(self._known) + len(topics_sent) > _MOST_TOPICS:
            self._known.clear()
        for topic in topics_sent - self._known.keys():
            self._known[topic] = self._sender(topic)

    def _sender(self, topic: bytes) -> Sender:
        decoder = DECODERS[DEFAULT_PROFILE]
        try:
            name = topics.parse(topic.decode())
        except (TopicError, UnicodeDecodeError) as exc:
            return Sender("", NOBODY, decoder, refusal=Reason.BAD_TOPIC, detail=str(exc)[:300])
        is_status = name.channel == "status"
        gateway = self._lookup.gateways.get(name.gateway)
        if gateway is None:
            detail = f"gateway {name.gateway} is not in the registry"
            return Sender(name.gateway, NOBODY, decoder, is_status, Reason.UNKNOWN_DEVICE, detail)
        if gateway.institution != name.institution:
            detail = f"gateway {gateway.id} belongs to {gateway.institution}, the topic says {name.institution}"
            return Sender(name.gateway, NOBODY, decoder, is_status, Reason.IDENTITY_MISMATCH, detail)
        return Sender(gateway.id, gateway.roster, gateway.decoder, is_status)


def _proven(sender: Sender, credential: str | None) -> Sender:
    """The sender, or an impostor where the credential is of another gateway."""
    if credential in (None, sender.gateway) or sender.refusal is Reason.BAD_TOPIC:
        return sender
    return _impostor(sender, credential)


def _impostor(sender: Sender, credential: str | None) -> Sender:
    detail = f"the credential of gateway {credential} was used on a topic of {sender.gateway or 'no gateway'}"
    return Sender(sender.gateway, NOBODY, sender.decoder, sender.is_status, Reason.IDENTITY_MISMATCH, detail)
