"""A part that was started by a supervisor must not outlive it, however that ended.

`python -m jieneng.parentage COMMAND ...` runs a server that knows nothing of this, hands on the signals it gets, and
ends with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def stop_when_input_ends() -> None:
    """Ask this process to stop when its standard input is closed: the supervisor holds the other end."""
    threading.Thread(target=_wait, name="parent", daemon=True).start()


def _wait() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """Run the command to its end; its exit code."""
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: server.send_signal(received))
    stop_when_input_ends()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
