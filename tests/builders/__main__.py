"""Print a line of JSON for each builder: its largest difference, the milliseconds for a row, or why it is refused."""

from __future__ import annotations

import json

from .data import DATA
from .kinds import BUILDERS
from .measured import measure

CALLS = 200


def main() -> None:
    """The command `python -m builders`."""
    for name, kind in BUILDERS.items():
        found = [measure(name, task, data_set, CALLS) for task in kind.tasks for data_set in DATA]
        line = {
            "builder": name,
            "tasks": kind.tasks,
            "difference": max(one.difference for one in found),
            "milliseconds": max(one.one_row for one in found) * 1000,
            "refused": next((one.refused for one in found if one.refused), ""),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
