"""Real servers for tests and benchmarks: started on loopback, each with its own folder and port, ended by own pid.

Fixtures: `mosquitto` (module scope, anonymous), `mosquitto_factory` (own settings, restart, kill), `influx`
(session scope server, a bucket of its own for each test), `influx_factory`, `grafana_factory` (module scope).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent


@cache
def found_servers() -> dict[str, str]:
    """Paths of the servers that this machine has, by name."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "test-servers"], capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def server_path(name: str) -> Path:
    """Path of a server, or skip the test (fail where servers are required)."""
    found = found_servers().get(name)
    if found is None:
        lacking(f"{name} not found; `scripts/test-servers --install --build` gets it")
    return Path(found)


def tool(*names: str, where: str) -> str:
    """Path of the first of these programs that is installed, or skip the test (fail where everything is required)."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        lacking(f"{names[0]} not found; {where}")
    return found


def lacking(why: str) -> NoReturn:
    """Skip the test for want of a program; fail where programs are required."""
    if os.environ.get("JIENENG_REQUIRE_SERVERS"):
        pytest.fail(why)
    pytest.skip(why)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Poll until true; an error naming what was waited for."""
    limit = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {timeout_s} s for {what}")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    """True when something listens on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Server:
    """A server process of our own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"

    def command(self) -> list[str]:
        raise NotImplementedError(type(self).__name__)

    def ready(self) -> bool:
        return accepts(self.port)

    def start(self) -> None:
        command = self.command()  # once: it may write the configuration that the process is about to read
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=self.folder, env=os.environ | self.environment
        )
        log.close()
        process = self.process

        def up() -> bool:
            if process.poll() is not None:
                text = (self.folder / "server.log").read_text(errors="replace")
                raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{text[-2000:]}")
            return self.ready()

        wait_until(up, timeout_s=60, what=command[0])

    def send(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.stop(signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(20)
        self.process = None


@dataclass
class Mosquitto(Server):
    """Mosquitto with the durable queue of deploy/mosquitto/mosquitto.conf where its plugin is there."""

    lines: tuple[str, ...] = ("allow_anonymous true",)
    durable: bool = True

    @property
    def persist_plugin(self) -> Path | None:
        binary = server_path("MOSQUITTO")
        for folder in (binary.parent.parent / "lib", Path("/usr/lib"), Path("/usr/lib/x86_64-linux-gnu")):
            if (folder / "mosquitto_persist_sqlite.so").is_file():
                return folder / "mosquitto_persist_sqlite.so"
        return None

    def command(self) -> list[str]:
        binary = server_path("MOSQUITTO")
        lines = [f"listener {self.port} 127.0.0.1", "max_queued_messages 0", "max_inflight_messages 0", *self.lines]
        lines += ["message_size_limit 1048576", "persistent_client_expiration 30d"]
        if os.geteuid() == 0:
            lines.append("user root")
        if self.durable and self.persist_plugin is not None:
            lines += [f"plugin {self.persist_plugin}", "plugin_opt_flush_period 0", "plugin_opt_sync full"]
            lines.append(f"persistence_location {self.folder}/")
        path = self.folder / "mosquitto.conf"
        path.write_text("\n".join(lines) + "\n")
        self.environment = {"LD_LIBRARY_PATH": str(binary.parent.parent / "lib")}
        return [str(binary), "-c", str(path)]


@dataclass
class Influx(Server):
    """InfluxDB 2 with an organisation, a bucket and an all-access token made at the first start."""

    org: str = "jieneng"
    bucket: str = "jieneng"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    is_set_up: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        binary = server_path("INFLUXD")
        data = self.folder
        return [
            *(str(binary), "run", "--http-bind-address", f"127.0.0.1:{self.port}"),
            *("--bolt-path", f"{data}/influxd.bolt", "--sqlite-path", f"{data}/influxd.sqlite"),
            *("--engine-path", f"{data}/engine", "--reporting-disabled", "--no-tasks", "--ui-disabled"),
        ]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def start(self) -> None:
        super().start()
        if not self.is_set_up:
            body = {"username": "tests", "password": secrets.token_urlsafe(16), "org": self.org}
            self.call("POST", "/api/v2/setup", body | {"bucket": self.bucket, "token": self.token}, token="")
            self.is_set_up = True

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, *, token: str | None = None) -> Any:
        """One management call; the decoded answer."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Content-Type", "application/json")
        if token != "":
            request.add_header("Authorization", f"Token {token or self.token}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def new_bucket(self, name: str) -> None:
        orgs = self.call("GET", f"/api/v2/orgs?org={self.org}")
        self.call("POST", "/api/v2/buckets", {"orgID": orgs["orgs"][0]["id"], "name": name, "retentionRules": []})


@dataclass
class Grafana(Server):
    """Grafana whose visitors are viewers without a sign-in, in the light theme."""

    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    provisioning: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        home = server_path("GRAFANA_HOME")
        settings = {
            "PATHS_DATA": str(self.folder / "data"),
            "PATHS_LOGS": str(self.folder / "logs"),
            "PATHS_PLUGINS": str(self.folder / "plugins"),
            "PATHS_PROVISIONING": str(self.provisioning or self.folder / "provisioning"),
            "SERVER_HTTP_ADDR": "127.0.0.1",
            "SERVER_HTTP_PORT": str(self.port),
            "ANALYTICS_REPORTING_ENABLED": "false",
            "ANALYTICS_CHECK_FOR_UPDATES": "false",
            "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "PLUGINS_PREINSTALL_DISABLED": "true",
            "SECURITY_ADMIN_PASSWORD": self.password,
            "AUTH_ANONYMOUS_ENABLED": "true",
            "AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
            "USERS_DEFAULT_THEME": "light",
        }
        self.environment |= {f"GF_{name}": value for name, value in settings.items()}
        return [str(home / "bin" / "grafana"), "server", "--homepath", str(home)]

    def ready(self) -> bool:
        try:
            return bool(self.call("GET", "/api/health")["database"] == "ok")
        except (urllib.error.URLError, OSError):
            return False

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call as the administrator; the decoded answer."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Content-Type", "application/json")
        secret = base64.b64encode(f"admin:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {secret}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def service_token(self) -> str:
        """A token of a new service account that may administer the organisation."""
        name = secrets.token_hex(4)
        account = self.call("POST", "/api/serviceaccounts", {"name": name, "role": "Admin"})
        return str(self.call("POST", f"/api/serviceaccounts/{account['id']}/tokens", {"name": name})["key"])


@pytest.fixture
def mosquitto_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Mosquitto]]:
    """Make (not yet started) brokers; all are ended after the test."""
    made: list[Mosquitto] = []

    def make(**options: Any) -> Mosquitto:
        server_path("MOSQUITTO")
        made.append(Mosquitto(tmp_path_factory.mktemp("mosquitto"), free_port(), **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A running broker without access rules."""
    server_path("MOSQUITTO")
    server = Mosquitto(tmp_path_factory.mktemp("mosquitto"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def influx_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Influx]]:
    """Make (not yet started) InfluxDB servers; all are ended after the test."""
    made: list[Influx] = []

    def make() -> Influx:
        server_path("INFLUXD")
        made.append(Influx(tmp_path_factory.mktemp("influx"), free_port()))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """One running InfluxDB 2 for all tests."""
    server_path("INFLUXD")
    server = Influx(tmp_path_factory.mktemp("influx"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def influx(influx_server: Influx) -> Influx:
    """The running InfluxDB 2 with a bucket of its own for this test."""
    bucket = f"t-{secrets.token_hex(6)}"
    influx_server.new_bucket(bucket)
    return Influx(
        influx_server.folder, influx_server.port, org=influx_server.org, bucket=bucket, token=influx_server.token
    )


@pytest.fixture(scope="module")
def grafana_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Grafana]]:
    """Make (not yet started) Grafanas; all are ended after the module."""
    made: list[Grafana] = []

    def make(**options: Any) -> Grafana:
        server_path("GRAFANA_HOME")
        made.append(Grafana(tmp_path_factory.mktemp("grafana"), free_port(), **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()
