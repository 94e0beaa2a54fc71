"""What workflows call with a bare Python: each verb is the module of that name, and answers --help."""

from __future__ import annotations

import argparse
import importlib
import sys

from .api import GitHubError

VERBS = {
    "comment": "post the model report on a pull request, as one comment",
    "deployment": "say what deploy.yml is to do, and with which image",
    "doctor": "plan the repository's settings, and apply them with --apply",
    "handover": "show the report in the run's summary, and say whose it is",
    "history": "say which version was live in which stage, from the tags alone",
    "publish": "make the release on GitHub, with its files",
    "register": "register a version, or assign one to a stage, by a tag",
    "release": "say whether a tag may be released, or write its notes",
    "relock": "commit a new dvc.lock to a pull request's branch",
    "results": "show in the run's summary how the tests went",
    "scope": "say what a change touches, for the first job of a workflow",
}


def main() -> None:
    """Hand the arguments to the verb."""
    parser = argparse.ArgumentParser(
        prog="ops.github",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="verbs:\n" + "\n".join(f"  {verb:<10}{text}" for verb, text in VERBS.items()),
    )
    parser.add_argument("verb", choices=VERBS, metavar="verb")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    given = parser.parse_args()
    try:
        importlib.import_module(f".{given.verb}", __package__).main(given.arguments)
    except GitHubError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
