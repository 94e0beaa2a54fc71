"""The command line of ops: each verb is the module of that name, and answers --help."""

from __future__ import annotations

import argparse
import importlib
import sys

from .project import ContractError

VERBS = {
    "report": "show how good the model is, as Markdown and HTML",
    "docs": "write the table of columns in docs/data.md",
}


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
    try:
        importlib.import_module(f".{given.verb}", __package__).main(given.arguments)
    except ContractError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
