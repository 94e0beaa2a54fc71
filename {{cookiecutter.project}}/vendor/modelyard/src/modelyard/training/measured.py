"""What a search has measured, kept in a file, so that one that was interrupted measures only the rest."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from ..runtime.contract import Contract
from ..runtime.project import Project
from .layout import LEDGER
from .lineage import code
from .settings import Params


class Measured:
    """Values by what was measured, in a file of a JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, float] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            with contextlib.suppress(ValueError):  # the last line of a search that was killed
                key, value = json.loads(line)
                self._values[key] = value

    def get(self, key: str) -> float | None:
        """The value; None if it was not measured."""
        return self._values.get(key)

    def keep(self, key: str, value: float) -> None:
        """Keep a value."""
        self._values[key] = value
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("a", encoding="utf-8") as opened:
            opened.write(f"\n{json.dumps([key, value])}")  # first the end of a line that is not whole


def measured(project: Project, root: Path, contract: Contract, params: Params) -> Measured:
    """What was measured with exactly this code, data, split and seed."""
    shared = {"seed": params.seed, "threads": params.threads, "split": dataclasses.asdict(params.split)}
    made_from: list[Any] = [code(project.folder), contract.to_json(), (root / LEDGER).read_text(), shared]
    identity = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    return Measured(root / "tuning" / f"automl-{identity[:12]}.jsonl")
