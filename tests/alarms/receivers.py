"""Real receivers on loopback: an HTTP server and an SMTP server that keep what they were given."""

from __future__ import annotations

import contextlib
import email
import socket
import ssl
import threading
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller

_DRIP_S = 0.02


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Taken:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpReceiver:
    """Answers `status` with `answer`; `statuses` are used up first."""

    status: int = 200
    answer: bytes = b'{"errcode": 0}'
    statuses: list[int] = field(default_factory=list)
    location: str = ""
    n_withheld: int = 0  # bytes of the answer that are announced and never come
    taken: list[Taken] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                receiver.taken.append(Taken(self.path, dict(self.headers), body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(len(receiver.answer) + receiver.n_withheld))
                self.end_headers()
                self.wfile.write(receiver.answer)

            do_GET = do_POST  # noqa: N815 -- the name it has there

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name it has there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class MailReceiver:
    """Answers a recipient of `codes` with that code, and takes everything else."""

    def __init__(self, certificate: tuple[Path, Path] | None = None, *, is_tls_from_start: bool = False) -> None:
        self.taken: list[Message] = []
        self.codes: dict[str, str] = {}
        self.goodbye = "221 Bye"
        where: dict[str, Any] = {"hostname": "127.0.0.1", "port": _free_port()}
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            # `require_starttls`: nothing but STARTTLS is taken in the clear.
            where |= (
                {"ssl_context": context} if is_tls_from_start else {"tls_context": context, "require_starttls": True}
            )
        self._controller = Controller(self, **where)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    async def handle_RCPT(  # noqa: N802 -- the name aiosmtpd calls
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.codes:
            return self.codes[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        return self.goodbye

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(email.message_from_bytes(envelope.content))
        return "250 taken"


class Drip:
    """An HTTP server that sends the head of its answer byte by byte, each in time, and takes `seconds` for it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopped.set()
        self._server.close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 ")
            for _ in range(int(self._seconds / _DRIP_S)):
                connection.sendall(b"0")
                if self._stopped.wait(_DRIP_S):
                    return
            connection.sendall(b"200 OK\r\nContent-Length: 2\r\n\r\n{}")
