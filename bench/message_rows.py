"""Run with the project's Python: the first rows of a CSV file as lines of JSON, as messages and bodies hold them.

Arguments: the CSV file, the file to be written, how many rows.
"""

from __future__ import annotations

import json
import sys
from itertools import chain, islice
from pathlib import Path

from modelyard.runtime.table_files import read_chunks
from modelyard.training.settings import read_contract


def main(source: Path, target: Path, most: int) -> None:
    """Write the lines."""
    contract = read_contract()
    names = {*contract.inputs, *contract.named("id")}
    rows = chain.from_iterable(chunk.rows for chunk in read_chunks(source, contract))
    with target.open("w", encoding="utf-8") as opened:
        for row in islice(rows, most):
            sent = {name: value for name, value in row.items() if name in names and value is not None}
            opened.write(json.dumps(sent, default=str) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
