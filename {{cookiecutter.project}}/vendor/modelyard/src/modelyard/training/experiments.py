"""Show experiments and the trials of tuning beside each other, the best first.

They are ranked by what the first fit, made without the validation rows, answers to these. The holdout ranks nothing: it
judges what was chosen.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ContractError
from ..git import without_repository
from ..markdown import code, markdown_table, number
from ..runtime.project import Project
from .layout import METRICS
from .metrics import PRIMARY
from .settings import read_contract, read_params

SHOWN = 20  # trials
LISTED = ("params.yaml", "vendor/yard.json")


@dataclass(frozen=True)
class Experiment:
    """An experiment or a trial: its name, its metrics on the validation rows, and its settings by their places."""

    name: str
    validation: Mapping[str, float | None]
    settings: Mapping[str, Any]


def experiments(root: Path) -> list[Experiment]:
    """The workspace, HEAD, and the experiments of DVC that began there. Raises ContractError if DVC cannot tell."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--json"]
    done = subprocess.run(command, cwd=root, env=without_repository(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ContractError(f"dvc exp show fails: {(done.stderr.strip().splitlines() or ['without a message'])[-1]}")
    found = []
    for state in json.loads(done.stdout):
        states = [state, *(one for group in state.get("experiments") or [] for one in group["revs"][:1])]
        found += [_tried(one) for one in states if one.get("data")]
    return found


def ranking(tried: Sequence[Experiment], metric: str) -> str:
    """A table of what was tried, the lowest value of the metric first, with the settings in which it differs."""
    ordered = sorted(tried, key=lambda one: _rank(one.validation.get(metric)))
    names = dict.fromkeys(name for one in tried for name in one.settings)
    differ = [name for name in names if len({json.dumps(one.settings.get(name)) for one in tried}) > 1]
    others = dict.fromkeys(name for one in tried for name in one.validation if name != metric)
    lines = [
        [
            code(one.name, 40),
            *(number(one.validation.get(name)) for name in (metric, *others)),
            *(_setting(one.settings.get(name)) for name in differ),
        ]
        for one in ordered
    ]
    return markdown_table(["", metric, *others, *(name.removeprefix("model.") for name in differ)], lines)


def _rank(value: float | None) -> tuple[bool, float]:
    return (value is None, value or 0.0)


def _setting(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _tried(state: Mapping[str, Any]) -> Experiment:
    files = {name: one.get("data") or {} for name, one in (state["data"].get("params") or {}).items()}
    metrics = (state["data"].get("metrics") or {}).get(METRICS.as_posix(), {}).get("data") or {}
    settings = {place: value for name in LISTED for place, value in _flat(files.get(name, {}))}
    name = state.get("name") or (state["rev"] if state["rev"] == "workspace" else state["rev"][:7])
    return Experiment(name, metrics.get("validation") or {}, settings)


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}.")
        elif f"{above}{name}".partition(".")[0] != "tune":  # the space searched says nothing of a model
            yield f"{above}{name}", value


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `compare`."""
    argparse.ArgumentParser(
        prog="compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    contract, params = read_contract(), read_params()
    metric = PRIMARY[contract.kind]
    tried = experiments(Path())
    print(f"Experiments, by {metric} of the first fit on the validation rows:\n\n{ranking(tried, metric)}")
    if any(metric not in one.validation for one in tried):
        print("\n`-`: not measured on the validation rows; `make pipeline` measures the workspace.")
    from .study import trials  # optuna and scikit-learn take seconds

    if found := trials(Path(), contract, params):
        best = sorted(found, key=lambda trial: _rank(trial[2]))[:SHOWN]
        listed = [Experiment(f"trial {place}", {metric: value}, settings) for place, settings, value in best]
        more = f", the best {SHOWN} of {len(found)}" if len(found) > SHOWN else ""
        print(f"\nTrials of `make tune`, by the same{more}:\n\n{ranking(listed, metric)}")
