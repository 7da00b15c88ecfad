"""`jieneng`: one command for everything; `python -m jieneng` is the same."""

from __future__ import annotations

import logging
import sys

from energy.errors import EnergyError
from jieneng.commands.root import build


def main() -> None:
    """Run the command; exit code 0 fine, 1 failed, 2 wrong use."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z"
    )
    for library in ("alembic", "httpx"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        build()()
    except EnergyError as exc:
        sys.stderr.write(f"jieneng: {exc}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
