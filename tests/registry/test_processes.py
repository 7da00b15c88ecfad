"""Several processes on one registry: readers do not wait, and a killed import leaves nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable

from energy.registry import Registry
from tests.registry.sample import sample


def test_a_reader_sees_one_instant_while_a_writer_writes(
    registry: Registry, open_another: Callable[[], Registry]
) -> None:
    """Each import renames all meters at once; a snapshot never shows two names."""
    registry.import_sheets(sample())
    ids = [row["id"] for row in sample()["meters"]]
    writer = open_another()
    done = threading.Event()

    def write() -> None:
        for turn in range(30):
            writer.import_sheets({"meters": [{"id": identity, "name_zh": f"turn {turn}"} for identity in ids]})
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen: list[int] = []
    while not done.is_set():
        snapshot = registry.snapshot()
        assert len({snapshot.meter_names[identity] for identity in ids}) == 1
        seen.append(snapshot.revision)
    thread.join()
    assert seen == sorted(seen)
    assert registry.revision() == 31


def test_two_writers_take_turns(registry: Registry, open_another: Callable[[], Registry]) -> None:
    registry.import_sheets(sample())

    def write(mine: Registry, name: str) -> None:
        for n in range(15):
            mine.import_sheets({"regions": [{"code": f"{name}{n}", "name_zh": name, "parent": "990000"}]})

    threads = [threading.Thread(target=write, args=(open_another(), name)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.revision() == 31
    assert len(registry.snapshot().regions) == 33


KILLED = """
    import os, signal, sys
    from energy.registry import Registry, importing
    from tests.registry.sample import sample

    registry = Registry.open(sys.argv[1])
    write = importing.write

    def write_and_die(connection, changes):
        write(connection, changes)
        os.kill(os.getpid(), signal.SIGKILL)

    importing.write = write_and_die
    sheets = sample()
    sheets["regions"][0]["name_zh"] = "halfway"
    registry.import_sheets(sheets)
"""


def test_an_import_killed_before_its_commit_leaves_nothing(registry: Registry, url: str) -> None:
    registry.import_sheets({"regions": sample()["regions"]})
    before = registry.export_sheets()
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), url], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert registry.revision() == 1
    assert registry.export_sheets() == before
    assert registry.import_sheets(sample()).revision == 2  # and it holds no lock
