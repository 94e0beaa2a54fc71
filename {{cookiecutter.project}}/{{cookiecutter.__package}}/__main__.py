"""The command line: each verb is the module of that name, and answers --help."""

from __future__ import annotations

import argparse
import importlib
import sys

from .command import run
from .contract import ContractError

VERBS = {
    "ingest": ("pipeline.ingest", "take the source's rows up to the watermark"),
    "train": ("pipeline.train", "fit the model and export it"),
    "evaluate": ("pipeline.evaluate", "judge the model on the holdout"),
    "bundle": ("pipeline.bundle", "assemble what is shipped"),
    "draft": ("pipeline.draft", "draft contract.yaml from a source of your own"),
    "tune": ("pipeline.tune", "search for better settings of the model"),
    "predict": ("predict", "answer rows with a bundle"),
}


def main() -> None:
    """Hand the arguments to the verb."""
    parser = argparse.ArgumentParser(
        prog=__package__,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="verbs:\n" + "\n".join(f"  {verb:<10}{text}" for verb, (_, text) in VERBS.items()),
    )
    parser.add_argument("verb", choices=VERBS, metavar="verb")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    given = parser.parse_args()
    try:
        module = importlib.import_module(f".{VERBS[given.verb][0]}", __package__)
    except ModuleNotFoundError as error:
        if str(error.name).startswith(str(__package__)):
            raise
        raise ContractError(f"`{given.verb}` needs {error.name}; install {__package__}[train]") from None
    sys.argv[0] = given.verb
    module.main(given.arguments)


def entry() -> None:
    """The console script."""
    run(main)


if __name__ == "__main__":
    entry()
