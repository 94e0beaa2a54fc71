"""How a verb ends: a person's mistake is told in a few lines, a mistake of ours keeps its traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder

from .contract import ContractError


class _NoPandas(MetaPathFinder):
    """Says of pandas what an environment without it would say."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("this command does without pandas", name=name)


def without_pandas() -> None:
    """Keep pandas out of this process, as if it were not installed.

    Many of pyarrow's calls look for pandas by importing it, which takes most of a second. A stage without frames has no
    use for it.
    """
    sys.meta_path.insert(0, _NoPandas())


def run(main: Callable[[], None]) -> None:
    """Run a verb; exit with status 1 and the message where the contract, the settings or the data are wrong."""
    try:
        main()
    except ContractError as error:
        sys.exit(f"error: {error}")
