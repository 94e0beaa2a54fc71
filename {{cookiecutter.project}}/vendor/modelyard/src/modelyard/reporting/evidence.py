"""What a report is about: the bundle, main's where it is at hand, the gate's verdict, and what the stages cost."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..runtime.bundle import Bundle, read_bundle
from ..judging.verdict import VERDICT
from ..training.metrics import PRIMARY
from ..command import REFUSAL
from ..runtime.contract import ContractError
from ..training import layout

CHAMPION = Path("champion/bundle")
COSTS = Path("reports/cost")
FORMAT = 1  # of reports/verdict.json
AGAIN = "judge it again with `python -m ops gate`"


@dataclass(frozen=True)
class Evidence:
    """All that a report says something about.

    this: the bundle. main: the one on main, or None where it is not at hand. verdict: what `ops gate` wrote about these
    two, or None. costs: seconds and peak_mb of each stage that ran here. notes: what could not be taken into account.
    """

    root: Path
    this: Bundle
    main: Bundle | None = None
    verdict: Mapping[str, Any] | None = None
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def primary(self) -> str:
        """The name of the task's primary metric."""
        return PRIMARY[self.this.contract.kind]

    @property
    def comparison(self) -> Mapping[str, Any] | None:
        """What the gate found when both models answered the same rows."""
        return self.verdict["comparison"] if self.verdict else None


def gather(root: Path, champion: Path | None = None, verdict: Path | None = None) -> Evidence:
    """What there is under `root`: champion and verdict are taken from their usual places where they are not named.

    Raises ContractError where there is no bundle, or a champion or verdict that was named is not there.
    """
    this = read_bundle(root / layout.BUNDLE)
    notes: list[str] = []
    main = _read_champion(root, champion, notes)
    found = read_verdict(root, verdict)
    if found and (why := _another(found, this, main)):
        notes.append(f"{VERDICT} is about {why} and is left out; {AGAIN}")
        found = None
    return Evidence(root, this, main, found, _costs(root / COSTS), tuple(notes))


def read_verdict(root: Path, path: Path | None = None) -> Mapping[str, Any] | None:
    """The verdict in a file, or None where none was named and there is none in the usual place."""
    if path is None and not (root / VERDICT).is_file():
        return None
    path = root / VERDICT if path is None else path
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = found["format"] == FORMAT
    except FileNotFoundError:
        raise ContractError(f"there is no verdict in {path}; {AGAIN}") from None
    except (ValueError, KeyError, TypeError):
        raise ContractError(f"{path} is no verdict as `python -m ops gate` writes it; {AGAIN}") from None
    if not known:
        raise ContractError(f"{path} has format {found['format']}, and {FORMAT} is known here; {AGAIN}")
    return found


def read_refusal(root: Path) -> Mapping[str, str] | None:
    """Which stage stopped the pipeline and why, or None where the last one that ran did not."""
    path = root / REFUSAL
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def lines(bundle: Bundle, name: Path) -> list[dict[str, str]]:
    """The lines of one of the bundle's CSV files; none where an older bundle lacks it."""
    path = bundle.folder / name.name
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def reference(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """How each input was distributed in training."""
    path = bundle.folder / layout.REFERENCE.name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _read_champion(root: Path, folder: Path | None, notes: list[str]) -> Bundle | None:
    if folder is None and not (root / CHAMPION).is_dir():
        return None
    try:
        return read_bundle(root / CHAMPION if folder is None else folder)
    except ContractError as error:
        if folder is not None:
            raise
        notes.append(f"the champion is left out: {error}")
        return None


def _another(verdict: Mapping[str, Any], this: Bundle, main: Bundle | None) -> str | None:
    """Of which other bundle the verdict is, if it is."""
    challenger, champion = verdict["challenger"], verdict["champion"]
    if challenger and challenger["bundle"] != this.digest:
        return f"another bundle ({challenger['bundle'][:12]})"
    if champion and main and champion["bundle"] != main.digest:
        return f"another champion ({champion['bundle'][:12]})"
    return None


def _costs(folder: Path) -> dict[str, dict[str, float]]:
    """The cost of each stage in the order of the pipeline."""
    order = ["ingest", "train", "evaluate", "bundle"]
    files = sorted(folder.glob("*.json"), key=lambda path: (order.index(path.stem) if path.stem in order else 9, path))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
