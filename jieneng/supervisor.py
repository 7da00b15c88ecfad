"""Child processes that are started again when they die, and stopped together."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)
_STOP_S: Final = 12.0  # a part promises to stop within 10 s
_LONGEST_PAUSE_S: Final = 30.0


@dataclass
class Part:
    """One supervised process: `jieneng <verb>` with its own log file."""

    verb: str
    home: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = 0.5
    started: float = 0.0
    restarts: int = 0
    next_start: float = field(default=0.0)

    @property
    def log(self) -> Path:
        """Where the part writes what it has to say."""
        return self.home / "logs" / f"{self.verb}.log"

    def start(self) -> None:
        """Start the process; its output goes to the log."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jieneng", self.verb, "--home", str(self.home), "--with-parent"],
                stdin=subprocess.PIPE,  # closed by the kernel when the supervisor ends, however it ends
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops the parts in order
            )
        self.started = time.monotonic()

    @property
    def is_running(self) -> bool:
        """True while the process lives."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keeps parts running; a part that dies is started again after a pause that grows while it keeps dying."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts

    def start(self) -> None:
        """Start all parts."""
        for part in self.parts:
            part.start()

    def tend(self) -> None:
        """Start again what has died; call it about once a second."""
        now = time.monotonic()
        for part in self.parts:
            if part.is_running:
                if now - part.started > 60:
                    part.pause_s = 0.5
                continue
            if part.next_start <= part.started:
                code = part.process.returncode if part.process else None
                logger.error(
                    "%s ended with %s; starting it again in %.1f s (%s)", part.verb, code, part.pause_s, part.log
                )
                part.next_start = now + part.pause_s
                part.pause_s = min(2 * part.pause_s, _LONGEST_PAUSE_S)
            elif now >= part.next_start:
                part.restarts += 1
                part.start()

    def stop(self) -> None:
        """Ask every part to stop, first the first; kill what does not within the promised time."""
        for part in self.parts:
            if part.process is not None and part.is_running:
                part.process.send_signal(signal.SIGTERM)
        limit = time.monotonic() + _STOP_S
        for part in self.parts:
            if part.process is None:
                continue
            try:
                part.process.wait(max(0.0, limit - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning(
                    "%s did not stop within %.0f s and was killed; nothing accepted is lost", part.verb, _STOP_S
                )
                part.process.kill()
                part.process.wait()
            if part.process.stdin is not None:
                part.process.stdin.close()
