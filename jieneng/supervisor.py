"""Child processes that are started again when they die, and stopped together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from jieneng.probes import Probe

logger = logging.getLogger(__name__)
_STOP_S: Final = 12.0  # a part promises to stop within 10 s
_LONGEST_PAUSE_S: Final = 30.0


@dataclass
class Part:
    """One supervised process with its own log file.

    Its standard input ends when the supervisor ends, however that ends: the process must then stop by itself.
    """

    name: str
    command: list[str]
    log: Path
    is_ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    reread: Path | None = None
    """A file that the process reads again when it is told to (SIGHUP)."""
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = 0.5
    started: float = 0.0
    restarts: int = 0
    next_start: float = 0.0
    _read: float = 0.0

    @classmethod
    def of_jieneng(cls, verb: str, home: Path, is_ready: Probe, environment: Mapping[str, str]) -> Self:
        """`jieneng <verb>` of an installation."""
        command = [sys.executable, "-m", "jieneng", verb, "--home", str(home), "--with-parent"]
        return cls(verb, command, _log(home, verb), is_ready, environment)

    @classmethod
    def of_server(
        cls,
        command: Sequence[str | Path],
        home: Path,
        is_ready: Probe,
        environment: Mapping[str, str] | None = None,
        *,
        reread: Path | None = None,
    ) -> Self:
        """A server that does not mind its standard input: `jieneng.parentage` does it for it."""
        name = Path(command[0]).name
        minded = [sys.executable, "-m", "jieneng.parentage", *map(str, command)]
        return cls(name, minded, _log(home, name), is_ready, environment or {}, reread)

    def start(self) -> None:
        """Start the process; its output goes to the log."""
        self.bury()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._read = self._changed()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,  # closed by the kernel when the supervisor ends, however it ends
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops the parts in order
            )
        self.started = time.monotonic()

    def bury(self) -> None:
        """End what is left of the process and of those it started itself."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    @property
    def is_running(self) -> bool:
        """True while the process lives."""
        return self.process is not None and self.process.poll() is None

    def mind_file(self) -> None:
        """Tell the process to read its file again when it has changed."""
        if self.process is not None and self._changed() != self._read:
            self._read = self._changed()
            self.process.send_signal(signal.SIGHUP)

    def _changed(self) -> float:
        return self.reread.stat().st_mtime if self.reread is not None and self.reread.exists() else 0.0


def _log(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


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
                part.mind_file()
                if now - part.started > 60:
                    part.pause_s = 0.5
                continue
            if part.next_start <= part.started:
                code = part.process.returncode if part.process else None
                logger.error(
                    "%s ended with %s; starting it again in %.1f s (%s)", part.name, code, part.pause_s, part.log
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
                    "%s did not stop within %.0f s and was killed; nothing accepted is lost", part.name, _STOP_S
                )
            part.bury()
