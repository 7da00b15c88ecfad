"""`make bench`: ingest beside Telegraf, both stores, the MQTT edge, the arithmetic; one report, printed as it grows.

    python -m benchmarks [--quick]

Each part is a program of its own (`python -m benchmarks.ingest`, `.bench_stores`, `.bench_edge`, `.scale`) and runs
after the one before has ended, so that none measures another.
"""

from __future__ import annotations

import argparse
import subprocess
import sys


def parts(*, quick: bool) -> dict[str, list[list[str]]]:
    """The programs of the report by its headings."""
    stores = ["bench_stores", "--meters", "100"] if quick else ["bench_stores"]
    n_messages = "100000" if quick else "400000"
    edge = [["bench_edge", "--source", source, "--messages", n_messages] for source in ("endpoint", "fast", "paho")]
    return {
        "Ingest": [["ingest", *(["--quick"] if quick else [])]],
        "Stores": [stores],
        "Edge": [*edge, ["bench_edge", "--connections", "1000", "--messages", n_messages]],
        "Arithmetic": [["scale", "--meters", "1000", *([] if quick else ["10000"])]],
    }


def main() -> int:
    """Run all parts; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short runs: a look, not figures to publish")
    failed = 0
    for heading, programs in parts(quick=parser.parse_args().quick).items():
        print(f"\n== {heading} ==", flush=True)
        for module, *arguments in programs:
            failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *arguments], check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
