"""The channels out: e-mail, webhook, WeCom robot. Each takes one message and returns, or says what to do next.

The idempotency key of a message goes with it (Message-ID, `Jieneng-Delivery`): a receiver that got it twice can tell.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from api.alarms import guard
from api.alarms.post import post
from energy.errors import SendRefused, SendUnavailable, SettingsError
from energy.registry import OutMessage
from energy.settings import AlarmSettings, secret

_MAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_ROBOT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WECOM_BYTES: Final = 4000  # the robot takes 4096 bytes of markdown
_RETRY_SMTP: Final = range(400, 500)
_RETRY_WECOM: Final = {-1: "its server is busy", 45009: "too many messages in a minute"}


def send(message: OutMessage, settings: AlarmSettings, *, resolve: guard.Resolver = guard.lookup) -> None:
    """Hand a message to its channel. SendUnavailable: try again; SendRefused: never."""
    content = json.loads(message.payload)
    try:
        match message.channel:
            case "email":
                _email(message, content, settings)
            case "webhook":
                _webhook(message, settings, resolve)
            case "wecom":
                _wecom(message, content, settings, resolve)
            case other:
                raise SendRefused(f"no channel is called {other!r}")
    except SettingsError as exc:
        raise SendRefused(str(exc)) from exc


def require_address(channel: str, address: str, settings: AlarmSettings) -> None:
    """SendRefused unless a channel could use the address; says what was expected. Called when somebody subscribes."""
    if channel == "email" and not _MAIL.fullmatch(address):
        raise SendRefused(f"e-mail: expected an address like name@example.org, came {address[:80]!r}")
    if channel == "wecom" and not _ROBOT.fullmatch(address):
        raise SendRefused("WeCom: expected the name of a robot whose key lies in `alarms.wecom_key_folder`")
    if channel == "webhook":
        guard.destination(address, allowed_hosts=settings.allowed_hosts)


def encoded(content: dict[str, Any]) -> str:
    """The payload of a message as the outbox keeps it."""
    return json.dumps(content, ensure_ascii=False)


def signing_secret(settings: AlarmSettings, subscription: str) -> str:
    """The secret a webhook's receiver checks signatures with; made from the key, so that none lies in the registry."""
    key = secret(settings.webhook_key, settings.webhook_key_file, "alarms.webhook_key")
    return hmac.new(key.encode(), b"webhook " + subscription.encode(), hashlib.sha256).hexdigest()


def _email(message: OutMessage, content: dict[str, Any], settings: AlarmSettings) -> None:
    if settings.smtp_host is None:
        raise SendRefused("alarms.smtp_host is not set: there is no mail server")
    require_address("email", message.address, settings)
    mail = EmailMessage()
    mail["Subject"] = " ".join(content["subject"].split())[:200]
    mail["From"] = Address("Jieneng 节能", addr_spec=settings.smtp_from)
    mail["To"] = message.address
    mail["Message-ID"] = f"<{message.id}@{settings.smtp_from.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # so that no holiday reply comes back
    mail.set_content(_text(content, settings))
    try:
        with _session(settings) as server:
            if settings.smtp_user:
                password = secret(settings.smtp_password, settings.smtp_password_file, "alarms.smtp_password")
                server.login(settings.smtp_user, password)
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as exc:
        codes = [code for code, _ in exc.recipients.values()]
        raise _of_smtp(codes[0], "recipient refused") from exc
    except smtplib.SMTPResponseException as exc:
        raise _of_smtp(exc.smtp_code, type(exc).__name__) from exc
    except smtplib.SMTPNotSupportedError as exc:
        raise SendRefused("the mail server offers no STARTTLS or no sign-in: see alarms.smtp_security") from exc
    except (smtplib.SMTPException, OSError) as exc:
        raise SendUnavailable(f"mail server {settings.smtp_host}: {exc}") from exc


def _text(content: dict[str, Any], settings: AlarmSettings) -> str:
    """The text, and where in the console each notice is looked after."""
    text: str = content["text"]
    links = dict.fromkeys(notice["link"] for notice in content["notices"] if notice["link"])
    if settings.console_url is None or not links:
        return text
    return text + "\n\n" + "\n".join(settings.console_url.rstrip("/") + link for link in links)


@contextmanager
def _session(settings: AlarmSettings) -> Iterator[smtplib.SMTP]:
    """A connection to the mail server; what it answers to QUIT says nothing about the mail it has taken before."""
    server = _server(settings)
    try:
        yield server
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


def _server(settings: AlarmSettings) -> smtplib.SMTP:
    assert settings.smtp_host is not None  # the caller looked
    context = ssl.create_default_context(cafile=str(settings.smtp_ca) if settings.smtp_ca else None)
    where = (settings.smtp_host, settings.smtp_port)
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(*where, timeout=settings.timeout_s, context=context)
    server = smtplib.SMTP(*where, timeout=settings.timeout_s)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _of_smtp(code: int, what: str) -> SendUnavailable | SendRefused:
    kind = SendUnavailable if code in _RETRY_SMTP else SendRefused
    return kind(f"mail server: {what} ({code})")


def _webhook(message: OutMessage, settings: AlarmSettings, resolve: guard.Resolver) -> None:
    to = guard.destination(message.address, allowed_hosts=settings.allowed_hosts, resolve=resolve)
    body = message.payload.encode()
    key = signing_secret(settings, message.subscription).encode()
    signature = hmac.new(key, message.id.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "Jieneng-Delivery": message.id,
        "Jieneng-Signature": f"sha256={signature}",
    }
    post(to, body, headers, timeout_s=settings.timeout_s)


def _wecom(message: OutMessage, content: dict[str, Any], settings: AlarmSettings, resolve: guard.Resolver) -> None:
    url = f"{settings.wecom_url}?key={quote(_robot_key(message.address, settings.wecom_key_folder), safe='')}"
    to = guard.destination(url, allowed_hosts=settings.allowed_hosts, resolve=resolve)
    text = f"**{content['subject']}**\n{_text(content, settings)}"
    short = text.encode()[:_WECOM_BYTES].decode(errors="ignore")
    body = json.dumps({"msgtype": "markdown", "markdown": {"content": short}}, ensure_ascii=False).encode()
    answer = post(to, body, {"Content-Type": "application/json"}, timeout_s=settings.timeout_s)
    try:
        code = json.loads(answer)["errcode"]
    except (ValueError, KeyError, TypeError) as exc:
        raise SendUnavailable("WeCom: expected JSON with errcode") from exc
    if code in _RETRY_WECOM:
        raise SendUnavailable(f"WeCom: {_RETRY_WECOM[code]}")
    if code != 0:
        raise SendRefused(f"WeCom: expected errcode 0, came {code}")


def _robot_key(name: str, folder: Path | None) -> str:
    if folder is None or not _ROBOT.fullmatch(name):
        raise SendRefused("WeCom: expected the name of a robot whose key lies in `alarms.wecom_key_folder`")
    return secret(None, folder / name, "alarms.wecom_key")
