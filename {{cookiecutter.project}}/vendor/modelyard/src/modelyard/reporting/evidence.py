"""The input of a report: the bundle, main's bundle if present, the gate's verdict, and the cost of the stages."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..command import REFUSAL
from ..errors import ContractError
from ..judging.policy import POLICY
from ..judging.verdict import VERDICT, judged_files
from ..runtime.bundle import Bundle, read_bundle
from ..training import layout
from ..training.metrics import PRIMARY

CHAMPION = Path("champion/bundle")
COSTS = Path("reports/cost")
FORMAT = 1  # of reports/verdict.json
AGAIN = "judge it again with `make gate`"


@dataclass(frozen=True)
class Evidence:
    """The input of a report.

    this: the bundle. main: the bundle on main, or None if absent. verdict: the gate's verdict on these two, or None.
    costs: seconds and peak_mb of each stage that ran here. notes: what had to be left out, and why.
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
        """The gate's comparison of both models on the same rows."""
        return self.verdict["comparison"] if self.verdict else None


def gather(root: Path, champion: Path | None = None, verdict: Path | None = None) -> Evidence:
    """The evidence under `root`; without `champion` or `verdict`, these are looked up in their default places.

    Raises ContractError if there is no bundle, or a champion or verdict that is named does not exist.
    """
    this = read_bundle(root / layout.BUNDLE)
    notes: list[str] = []
    main = _read_champion(root, champion, notes)
    judged = read_verdict(root, verdict)
    if judged and (other := other_case(root, judged) or _other_bundle(judged, this, main)):
        notes.append(f"{VERDICT} is about {other} and is left out; {AGAIN}")
        judged = None
    return Evidence(root, this, main, judged, _costs(root / COSTS), tuple(notes))


def read_verdict(root: Path, path: Path | None = None) -> Mapping[str, Any] | None:
    """The verdict in a file; without `path`, that in the default place, or None."""
    if path is None and not (root / VERDICT).is_file():
        return None
    path = root / VERDICT if path is None else path
    try:
        verdict: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        readable = verdict["format"] == FORMAT
    except FileNotFoundError:
        raise ContractError(f"there is no verdict in {path}; {AGAIN}") from None
    except (ValueError, KeyError, TypeError):
        raise ContractError(f"{path} is no verdict as `make gate` writes it; {AGAIN}") from None
    if not readable:
        raise ContractError(f"{path} has format {verdict['format']}, and {FORMAT} is known here; {AGAIN}")
    return verdict


def read_refusal(root: Path) -> Mapping[str, str] | None:
    """The stage that stopped the pipeline and the reason, or None if the last stage succeeded."""
    path = root / REFUSAL
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def lines(bundle: Bundle, name: Path) -> list[dict[str, str]]:
    """The lines of one of the bundle's CSV files; none if an older bundle lacks it."""
    path = bundle.folder / name.name
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def reference(bundle: Bundle) -> dict[str, dict[str, Any]]:
    """The distribution of each input in training."""
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


def other_case(root: Path, verdict: Mapping[str, Any]) -> str | None:
    """What has changed under `root` since a verdict, judged or not; None if nothing has, or the verdict does not say.

    One that ships or blocks names its challenger, which may be another one than the bundle of this project.
    """
    told, now = verdict.get("of") or {}, judged_files(root / layout.BUNDLE, root / POLICY)
    if told and told.get("policy") != now["policy"]:
        return f"another {POLICY}"
    if told and not verdict["challenger"] and told.get("bundle") != now["bundle"]:
        return "another bundle"
    return None


def _other_bundle(verdict: Mapping[str, Any], this: Bundle, main: Bundle | None) -> str | None:
    """The other bundle that the verdict is about; None if it is about these."""
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
