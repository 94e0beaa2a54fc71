"""Write the log of so many answered rows into a store, as the service and its shipper do.

Run in a project with a bundle.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import time
from pathlib import Path

import numpy as np
from modelyard.production.layout import RAW
from modelyard.production.store import Store
from modelyard.serving.log.log_lines import Asked, LogEntry, LoggedModel, encode, lines
from modelyard.training.data.dataset import read_rows
from modelyard.training.settings import read_contract, read_params

FILE = 100_000  # lines
DAYS = 10


def main(url: str, count: int) -> None:
    """Write files of FILE lines each, of which no two have the same request."""
    contract, store = read_contract(), Store(url)
    table = read_rows(Path(), contract, read_params(), "train").table.select(list(contract.inputs)).slice(0, FILE)
    sent = [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
    source = LoggedModel(contract.name, hashlib.sha256(contract.to_json().encode()).hexdigest(), "stable")
    start = time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, 0))
    scores = np.random.default_rng(1).random(len(sent))
    for day in range(DAYS):
        entry = LogEntry(
            source,
            Asked("request-000000"),
            start + 86_400 * day,
            "0123456789ab",
            "model",
            sent,
            scores,
            [False] * len(sent),
            1.5,
        )
        text, _ = encode(list(lines(entry)))
        for number in range(day, count // FILE, DAYS):
            named = text.replace(b"request-000000", b"request-%06d" % number)
            name = f"{RAW}/host/predictions-{contract.name}-0-0-{number:06}.{FILE}.jsonl.gz"
            store.write(name, gzip.compress(named, 1))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
