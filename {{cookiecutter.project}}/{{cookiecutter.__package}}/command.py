"""How a verb ends: a person's mistake is told in a few lines, a mistake of ours keeps its traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from .contract import ContractError


def run(main: Callable[[], None]) -> None:
    """Run a verb; exit with status 1 and the message where the contract, the settings or the data are wrong."""
    try:
        main()
    except ContractError as error:
        sys.exit(f"error: {error}")
