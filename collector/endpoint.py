"""The collector itself as an ingest-only MQTT server: no broker between meter and disk, so PUBACK means "on disk".

Whoever needs a broker uses one, with `collector.client` behind it. Per connection see `collector.connection`; here
is what connections share: the listener, who may connect, take-over, time limits, back-pressure, acknowledgements.

A gateway's session is bound to its credential: the same client id takes over only a connection of the same gateway.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from collector import tls
from collector.connection import EndpointCounters, GatewayConnection, Hold
from collector.mqtt import codes
from collector.source import Delivery, Sink
from energy.errors import EnergyError, MqttError, SettingsError
from energy.settings import MqttSettings

logger = logging.getLogger(__name__)

Authenticate = Callable[[str, bytes], str | None]
"""User name and password -> the gateway id they prove, or None. Called in the event loop: quick, from memory."""

_RECEIVE_BYTES: Final = 65_536
_BACKLOG: Final = 1_024
_RESUME_EVERY_S: Final = 0.005
_LONGEST_TICK_S: Final = 1.0
_LONGEST_BLOCKED_S: Final = 60.0
_LONGEST_LEAVING_S: Final = 5.0
_SPARE_CONNECTIONS: Final = 256  # above the limit, so that a refusal can be said
_SPARE_FILES: Final = 512


class Endpoint:
    """A `Source`: listens, and puts what gateways publish into the sink."""

    def __init__(self, settings: MqttSettings, *, authenticate: Authenticate | None = None) -> None:
        if settings.require_credentials and authenticate is None:
            raise SettingsError("mqtt.require_credentials is true, but nothing was given to check credentials with")
        self.settings = settings
        self.counters = EndpointCounters()
        self.buffer = memoryview(bytearray(_RECEIVE_BYTES))
        self._authenticate = authenticate
        self._tls = tls.server_context(settings)
        self._server: asyncio.Server | None = None
        self._port: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sink: Sink | None = None
        self._is_stopping = False
        self._connections: set[GatewayConnection] = set()
        self._clients: dict[tuple[str | None, str], GatewayConnection] = {}
        self._held_for_sink: set[GatewayConnection] = set()
        self._is_resume_due = False
        self._acks: deque[tuple[GatewayConnection, Sequence[int], Sequence[int]]] = deque()
        self._is_ack_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._everyone_left = asyncio.Event()

    async def start(self, sink: Sink) -> None:
        """Listen; `port` tells where."""
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        _allow_files(self.settings.max_connections)
        try:
            self._server = await self._loop.create_server(
                lambda: GatewayConnection(self),
                self.settings.host,
                self.settings.port,
                backlog=_BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=self.settings.connect_timeout_s if self._tls else None,
            )
        except OSError as exc:
            raise SettingsError(
                f"cannot listen on mqtt.host {self.settings.host} mqtt.port {self.settings.port}: {exc}; "
                "give another mqtt.port, or end the program that holds it"
            ) from exc
        self._port = int(self._server.sockets[0].getsockname()[1])
        self._tick()

    async def stop(self) -> None:
        """Take no connections and no bytes any more; what the sink has is still acknowledged."""
        self._is_stopping = True
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.hold(Hold.STOP)

    async def close(self) -> None:
        """Write the last acknowledgements, say goodbye, end all connections (a few seconds at most)."""
        await self.stop()
        self._write_acks()
        if self._timer is not None:
            self._timer.cancel()
        for connection in tuple(self._connections):
            connection.leave(codes.SHUTTING_DOWN)
        if self._connections:
            self._everyone_left.clear()
            try:
                await asyncio.wait_for(self._everyone_left.wait(), 2.0)
            except TimeoutError:
                for connection in tuple(self._connections):
                    connection.abort()
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def is_alive(self) -> bool:
        """True while the listener takes connections."""
        return self._server is not None and self._server.is_serving() and not self._is_stopping

    @property
    def is_receiving(self) -> bool:
        """True while the listener takes connections."""
        return self.is_alive

    @property
    def port(self) -> int:
        """The port listened on (the one the system chose where the setting is 0)."""
        if self._port is None:
            raise SettingsError("the endpoint does not listen: start it first")
        return self._port

    @property
    def n_connections(self) -> int:
        """Open connections, admitted or not yet."""
        return len(self._connections)

    def now(self) -> float:
        """Monotonic seconds."""
        assert self._loop is not None
        return self._loop.time()

    def joined(self, connection: GatewayConnection) -> None:
        """A connection was opened."""
        self._connections.add(connection)
        excess = len(self._connections) - self.settings.max_connections
        connection.is_over_limit = excess > 0
        if self._is_stopping or excess > _SPARE_CONNECTIONS:
            self.counters.refused += 1
            connection.abort()

    def left(self, connection: GatewayConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._held_for_sink.discard(connection)
        if connection.client is not None and self._clients.get(connection.client) is connection:
            del self._clients[connection.client]
        if not self._connections:
            self._everyone_left.set()

    def identify(self, username: str | None, password: bytes | None, certified: str | None = None) -> str | None:
        """The gateway a credential proves; `certified` is the name on the peer's certificate.

        Where credentials are not required and none was given, the certificate alone proves it, or nothing does.
        """
        if certified is not None and username not in (None, certified):
            raise MqttError(codes.NOT_AUTHORIZED, f"user name {username!r:.80}: the certificate is {certified!r:.80}'s")
        if username is None and not self.settings.require_credentials:
            return certified
        if self._authenticate is None:
            return None
        if username is None:
            raise MqttError(codes.NOT_AUTHORIZED, "no user name: expected the gateway's credential")
        try:
            gateway = self._authenticate(username, password or b"")
        except EnergyError as exc:
            raise MqttError(codes.SERVER_UNAVAILABLE, f"credentials cannot be checked now: {exc}") from exc
        if gateway is None:
            raise MqttError(codes.BAD_CREDENTIALS, f"user name {username[:80]!r} or its password is wrong")
        return gateway

    def new_client_id(self) -> str:
        """A client id for a client that brought none."""
        return f"jieneng-{secrets.token_hex(8)}"

    def admit(self, connection: GatewayConnection) -> None:
        """Count the connection as its client's; an older one of the same client is taken over (MQTT-3.1.4-3)."""
        assert connection.client is not None
        older = self._clients.get(connection.client)
        self._clients[connection.client] = connection
        self.counters.accepted += 1
        if older is not None:
            self.counters.taken_over += 1
            older.leave(codes.TAKEN_OVER)

    def take(self, connection: GatewayConnection, deliveries: list[Delivery]) -> None:
        """Put deliveries into the sink; a full sink stops the connection from being read."""
        assert self._sink is not None
        assert self._loop is not None
        self._sink.put(deliveries)
        if self._sink.is_full:
            if not self._is_resume_due:
                self._is_resume_due = True
                self._loop.call_later(_RESUME_EVERY_S, self._resume)
            self._held_for_sink.add(connection)
            connection.hold(Hold.SINK)

    def _resume(self) -> None:
        assert self._sink is not None
        assert self._loop is not None
        if self._is_stopping:
            return
        if self._sink.is_full:
            self._loop.call_later(_RESUME_EVERY_S, self._resume)
            return
        self._is_resume_due = False
        held, self._held_for_sink = self._held_for_sink, set()
        for connection in held:
            connection.release(Hold.SINK)

    def acknowledge_soon(self, connection: GatewayConnection, tokens: Sequence[int], codes: Sequence[int]) -> None:
        """Queue acknowledgements; callable from any thread."""
        self._acks.append((connection, tokens, codes))
        if not self._is_ack_due and self._loop is not None:
            # Set before waking: whoever appends after the loop cleared it wakes the loop again.
            self._is_ack_due = True
            try:
                self._loop.call_soon_threadsafe(self._write_acks)
            except RuntimeError:  # the loop is closed, and every connection with it
                self._acks.clear()

    def _write_acks(self) -> None:
        self._is_ack_due = False
        while self._acks:
            connection, tokens, answers = self._acks.popleft()
            connection.write_pubacks(tokens, answers)

    def _tick(self) -> None:
        """End connections that are silent, that do not read, or that do not go."""
        assert self._loop is not None
        now = self.now()
        for connection in tuple(self._connections):
            self._check(connection, now)
        every = min(_LONGEST_TICK_S, self.settings.connect_timeout_s / 4)
        self._timer = self._loop.call_later(every, self._tick)

    def _check(self, connection: GatewayConnection, now: float) -> None:
        if connection.leaving_at is not None:
            if now - connection.leaving_at > _LONGEST_LEAVING_S:
                connection.abort()
        elif connection.blocked_at is not None:
            if now - connection.blocked_at > _LONGEST_BLOCKED_S:
                self.counters.timed_out += 1
                connection.abort()
        elif not connection.is_held and now - connection.heard_at > connection.patience_s:
            self.counters.timed_out += 1
            connection.leave(codes.KEEP_ALIVE_TIMEOUT)


def _allow_files(n_connections: int) -> None:
    """Raise this process's limit of open files as far as the system lets us."""
    wanted = n_connections + _SPARE_CONNECTIONS + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    if reachable < n_connections:
        logger.warning(
            "only %d files may be open, mqtt.max_connections is %d: raise ulimit -n", reachable, n_connections
        )
