"""The command line: `python -m <package> --help` lists its verbs."""

from modelyard import run

from . import project


def entry() -> None:
    """The console script of the wheel."""
    run(project)


if __name__ == "__main__":
    entry()
