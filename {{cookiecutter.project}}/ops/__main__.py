"""The command line of ops: each verb is the module of that name, and answers --help."""

from __future__ import annotations

import argparse
import importlib
import sys

from .project import ContractError, without_pandas

VERBS = {
    "champion": "get the model that is on main",
    "gate": "judge by policy.yaml whether the model may ship",
    "prove": "retrain from the source and compare with what is committed",
    "report": "show how good the model is, as Markdown and HTML",
    "stale": "say whether the commit holds what the pipeline makes of it",
    "remote": "bring data and models from the DVC remote, or to it",
    "docs": "write the table of columns in docs/data.md",
    "doctor": "plan the repository's settings on GitHub, and apply them with --apply",
}
FAST = {"champion", "gate"}  # they do without frames, so they start a second sooner


def main() -> None:
    """Hand the arguments to the verb."""
    parser = argparse.ArgumentParser(
        prog="ops",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="verbs:\n" + "\n".join(f"  {verb:<10}{text}" for verb, text in VERBS.items()),
    )
    parser.add_argument("verb", choices=VERBS, metavar="verb")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    given = parser.parse_args()
    if given.verb in FAST:
        without_pandas()
    try:
        importlib.import_module(f".{given.verb}", __package__).main(given.arguments)
    except ContractError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
