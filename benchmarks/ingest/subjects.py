"""What is measured: our collector, and Telegraf, each in front of the same servers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.ingest.workload import Workload
from collector.spool import SpoolReader
from tests.servers import Influx, Mosquitto, free_port, server_path, wait_until

Source = Literal["endpoint", "paho", "fast"]
_LONGEST_WAIT_S = 300.0


@dataclass
class Collector:
    """`jieneng collect` in a process of its own."""

    home: Path
    source: Source
    influx: Influx | None
    broker: Mosquitto | None
    workload: Workload
    process: subprocess.Popen[bytes] | None = None
    port: int = 0
    secrets: dict[str, str] = field(default_factory=dict)
    name: str = "jieneng"

    def start(self) -> None:
        self.secrets = self.workload.install(self.home)
        http = free_port()
        self.port = self.broker.port if self.broker else free_port()
        environment = {
            "JIENENG_INGEST__HTTP_PORT": str(http),
            "JIENENG_MQTT__PORT": str(self.port),
            "JIENENG_MQTT__SOURCE": "endpoint" if self.broker is None else "broker",
            "JIENENG_MQTT__CLIENT": "paho" if self.source == "endpoint" else self.source,
        }
        if self.influx is not None:
            environment |= {
                "JIENENG_STORE__KIND": "influx",
                "JIENENG_STORE__URL": self.influx.url,
                "JIENENG_STORE__ORG": self.influx.org,
                "JIENENG_STORE__BUCKET": self.influx.bucket,
                "JIENENG_STORE__TOKEN": self.influx.token,
            }
        if self.broker is not None:
            self.secrets = {}
        with (self.home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jieneng", "collect", "--home", str(self.home)],
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._answers(http), timeout_s=30, what=f"the collector ({self.home / 'log'})")

    def _answers(self, port: int) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError((self.home / "log").read_text())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def counters(self) -> dict[str, int]:
        reader = SpoolReader(self.home / "spool" / "spool.db")
        try:
            return reader.counters()
        finally:
            reader.close()

    def wait_stored(self, n_readings: int) -> None:
        wait_until(lambda: self.counters().get("stored", 0) >= n_readings, timeout_s=_LONGEST_WAIT_S, what="the store")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


@dataclass
class Telegraf:
    """Telegraf with mqtt_consumer, as durable as it gets: QoS 1, persistent session, limits wide enough."""

    home: Path
    influx: Influx
    broker: Mosquitto
    workload: Workload
    process: subprocess.Popen[bytes] | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    name: str = "Telegraf"

    @property
    def port(self) -> int:
        return self.broker.port

    def start(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        undelivered = max(20_000, 200_000 // self.workload.per_message)
        (self.home / "telegraf.conf").write_text(f"""
[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = {2 * undelivered * self.workload.per_message}
  omit_hostname = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{self.broker.port}"]
  topics = ["jieneng/v1/+/+/readings"]
  topic_tag = ""
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = {undelivered}
  data_format = "json"
  json_query = "readings"
  tag_keys = ["meter"]
  json_name_key = ""
  name_override = "reading"
  json_time_key = "time"
  json_time_format = "unix"
[[outputs.influxdb_v2]]
  urls = ["{self.influx.url}"]
  token = "{self.influx.token}"
  organization = "{self.influx.org}"
  bucket = "{self.influx.bucket}"
""")
        with (self.home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [server_path("TELEGRAF"), "--config", self.home / "telegraf.conf"], stdout=log, stderr=log
            )
        time.sleep(2)
        if self.process.poll() is not None:
            raise RuntimeError((self.home / "log").read_text())

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def wait_stored(self, n_readings: int) -> None:
        """Poll seldom: counting costs the database CPU that would be counted as writing."""
        limit = time.monotonic() + _LONGEST_WAIT_S
        while stored(self.influx) < n_readings:
            if time.monotonic() > limit:
                raise RuntimeError(f"Telegraf brought less than {n_readings} readings to the store")
            time.sleep(1.0)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


def stored(influx: Influx) -> int:
    """Readings in the bucket."""
    query = urllib.parse.urlencode({"db": influx.bucket, "q": "SELECT count(value) FROM reading"})
    answer = influx.call("GET", f"/query?{query}")
    series = answer["results"][0].get("series")
    return int(series[0]["values"][0][1]) if series else 0
