"""Search all estimators of model.py and their settings, judged on the validation rows; write the best to params.yaml.

Each estimator is tried as params.yaml has it, then with settings that optuna proposes out of tune.space, all of them on
a sample of the training rows. The best third of each go on to a sample three times as large, until all rows train the
last few. The result depends on the seed and the number of trials only, not on how many run at once. What was measured
is kept in tuning/, so an interrupted or a longer search measures only the rest.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from ..errors import ContractError, counted
from ..markdown import cut, markdown_table
from ..runtime.contract import Contract
from ..runtime.project import Project
from .edit import edit_yaml
from .halving import Configuration, Rounds, Tried, best_first, promoted, samples
from .measured import measured
from .metrics import PRIMARY
from .settings import Params, read_contract, read_params
from .trials import check_taken, objective, workers


@dataclass(frozen=True)
class Found:
    """What a search found.

    present: the estimator in use as it is. ranked: the best first, each on the largest sample that it came to. failed:
    candidates, and what went wrong. skipped: estimators that cannot be tried, and why.
    """

    present: Tried
    ranked: list[Tried]
    failed: list[Tried]
    skipped: dict[str, str]


def automl(project: Project, root: Path, contract: Contract, params: Params, trials: int, jobs: int) -> Found:
    """Try so many candidates, `jobs` at a time.

    Raises ContractError if tune.space names an estimator that model.py does not have, if there are fewer trials than
    estimators, or if no candidate can be fitted on all rows and exported.
    """
    estimators = _estimators(project, params, trials)
    check_taken(root)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with workers(jobs, (project, root, contract, params)) as pool:
        sizes = samples(pool.submit(_count_rows).result())
        rounds = Rounds(params, pool, measured(project, root, contract, params))
        tried = rounds.first(estimators, trials, sizes[0], exported=len(sizes) == 1)
        skipped = {one.candidate.estimator: one.fault for one in tried[: len(estimators)] if one.fault}
        last = {one.candidate.number: one for one in tried}
        for rows in sizes[1:]:
            tried = rounds.more(promoted(tried), rows, exported=rows == sizes[-1])
            last |= {one.candidate.number: one for one in tried}
    ranked = best_first(last.values())
    failed = [one for one in last.values() if one.fault and one.candidate.estimator not in skipped]
    if not ranked or ranked[0].rows < sizes[-1]:
        faults = [f"{name}: {fault}" for name, fault in skipped.items()]
        faults += [f"{_named(one.candidate)}: {one.fault}" for one in failed]
        raise ContractError("\n".join(["no candidate can be fitted on all training rows and exported:", *faults]))
    return Found(last[1], ranked, failed, skipped)


def _estimators(project: Project, params: Params, trials: int) -> list[str]:
    """The names of all estimators, the one in use first."""
    builders = list(project.estimators)
    if unknown := [name for name in params.tune.space if name not in builders]:
        raise ContractError(
            f"params.yaml: tune.space has {', '.join(map(repr, unknown))}, which ESTIMATORS in model.py does not have; "
            f"there are: {', '.join(builders)}. Correct the name, or take the space out"
        )
    if params.model.estimator not in builders:
        raise ContractError(
            f"params.yaml: model.estimator is {params.model.estimator!r}; there are: {', '.join(builders)}"
        )
    if trials < len(builders):
        raise ContractError(f"TRIALS is {trials}: model.py has {len(builders)} estimators, and each is tried at least "
                            f"once; {10 * len(builders)} or more are sensible")  # fmt: skip
    return sorted(builders, key=lambda name: name != params.model.estimator)


def _count_rows() -> int:
    return objective().rows


def _named(candidate: Configuration) -> str:
    return f"{candidate.estimator}, {_written(candidate.settings)}"


def _written(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in settings.items()) or "as in params.yaml"


def _table(found: Found, metric: str) -> str:
    """All that was tried, the best first."""
    lines = [
        [place, one.candidate.estimator, f"{one.rows:,}", f"{one.value:.6f}", _written(one.candidate.settings)]
        for place, one in enumerate(found.ranked, 1)
    ]
    return markdown_table(["", "estimator", "rows", metric, "settings"], lines)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `automl`."""
    parser = argparse.ArgumentParser(
        prog="automl", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, help="how many in all (else as params.yaml says)")
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        help="processes at a time, unless a cluster runs them; the result is the same (default: 1)",
    )
    options = parser.parse_args(arguments)
    contract, params = read_contract(), read_params()
    trials = params.tune.trials if options.trials is None else options.trials
    found = automl(project, Path(), contract, params, trials, options.jobs)
    metric, best, present = PRIMARY[contract.kind], found.ranked[0], found.present
    print(_table(found, metric))
    for one in found.failed:
        print(f"failed: {_named(one.candidate)}: {cut(one.fault, 300)}")
    for name, fault in found.skipped.items():
        print(f"skipped: {name}: {cut(fault, 300)}")
    now = "cannot be used" if present.fault else f"{metric} {present.value:.6f}"
    print(f"{counted(trials, 'trial')}; best {metric} {best.value:.6f} with {_named(best.candidate)}; "
          f"now {now} with {present.candidate.estimator}")  # fmt: skip
    if best.candidate == present.candidate:
        print("params.yaml is as good already; nothing was changed")
        return
    chosen = {best.candidate.estimator: best.candidate.settings} if best.candidate.settings else {}
    edit_yaml(Path("params.yaml"), {"model": {"estimator": best.candidate.estimator, **chosen}})
    print("params.yaml has the better model; see `git diff`, then `make pipeline` and commit: the gate judges it")
