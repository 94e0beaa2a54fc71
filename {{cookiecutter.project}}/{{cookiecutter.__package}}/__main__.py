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
    "run": ("pipeline.run", "run all stages on data in a folder, without the repository"),
    "tune": ("pipeline.tune", "search for better settings of the model"),
    "score": ("score", "score a CSV or Parquet file of rows with a bundle"),
    "predict": ("predict", "answer rows with a bundle"),
    "serve": ("serving.serve", "answer rows over HTTP"),
    "key": ("serving.key", "make a key for a caller of the service"),
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
        extra = "serve" if VERBS[given.verb][0].startswith("serving") else "train"
        raise ContractError(f"`{given.verb}` needs {error.name}; install {__package__}[{extra}]") from None
    sys.argv[0] = given.verb
    module.main(given.arguments)


def entry() -> None:
    """The console script."""
    run(main)


if __name__ == "__main__":
    entry()
