"""The command line of ops: each verb is the module of that name, and answers --help."""

from __future__ import annotations

import argparse
import importlib
import sys

from .github.api import GitHubError
from .project import ContractError, without_pandas

VERBS = {
    "champion": "get the model that is on main",
    "gate": "judge by policy.yaml whether the model may ship",
    "prove": "retrain from the source and compare with what is committed",
    "report": "show how good the model is, as Markdown and HTML",
    "package": "make all files of a release, and check that they give the same answers",
    "accept": "test the service's image, run as it will be deployed, before it is pushed",
    "verify": "check the files of a release, without a network",
    "stale": "say whether the commit holds what the pipeline makes of it",
    "remote": "bring data and models from the DVC remote, or to it",
    "deploy": "bring a version to a Docker host, try it beside the old one, promote it or roll it back",
    "docs": "write the table of columns in docs/data.md",
    "release": "say whether a tag may be released, or write its notes",
    "register": "register a version, or assign one to a stage, by a tag",
    "history": "say which version was live in which stage, from the tags alone",
    "doctor": "plan the repository's settings on GitHub, and apply them with --apply",
}
FAST = {"accept", "champion", "deploy", "gate"}  # they do without frames, so they start a second sooner


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
    except (ContractError, GitHubError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
