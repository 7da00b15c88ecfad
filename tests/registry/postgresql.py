"""A real PostgreSQL on loopback, in a folder of its own, run by an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port


def _programs() -> Path:
    """Folder of PostgreSQL's programs, the newest where there are several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    if debian:
        return debian[-1]
    pytest.skip("PostgreSQL not found on PATH or in /usr/lib/postgresql; `apt-get install postgresql` gets it")


def _as_ordinary_user() -> list[str]:
    """What a command begins with so that it does not run as root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user `postgres` to run it")
    return ["runuser", "-u", "postgres", "--"]


@contextmanager
def running() -> Iterator[str]:
    """The URL of a fresh server's database `postgres`."""
    programs, user = _programs(), _as_ordinary_user()
    folder = Path(tempfile.mkdtemp(prefix="jieneng-pg-"))
    if user:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()

    def run(program: str, *arguments: str | Path) -> None:
        # Output to a file: a server started by pg_ctl would keep a pipe open for ever.
        with (folder.parent / f"{folder.name}.out").open("wb") as out:
            subprocess.run([*user, programs / program, *arguments], check=True, stdout=out, stderr=out, cwd=folder)

    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    try:
        run("initdb", "-D", data, "-U", "jieneng", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        run("pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
        try:
            yield f"postgresql://jieneng@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
        (folder.parent / f"{folder.name}.out").unlink(missing_ok=True)
