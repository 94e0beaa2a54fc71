"""Search for better settings of the estimator in use, judged on the validation rows, and write them to params.yaml.

Settings are proposed in batches, whose size is in params.yaml, each from a seed of its own, and reported in order. So
the result depends on the seed and the number of trials only, not on how many run at once or on whether the search was
interrupted and resumed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import json
import multiprocessing
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from tqdm import tqdm

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.matrix import matrix
from ..runtime.project import Project
from .data.dataset import Rows, read_rows
from .edit import edit_yaml
from .layout import LEDGER
from .metrics import PRIMARY, primary_loss
from .settings import Params, Range, read_contract, read_params
from .train import fit

WorkerArguments = tuple[Project, Path, Contract, Params]


class Objective:
    """The task's primary metric on the validation rows, for some settings of the estimator in use."""

    def __init__(self, project: Project, root: Path, contract: Contract, params: Params) -> None:
        self._project, self._contract, self._params = project, contract, params
        self._train = read_rows(root, contract, params, "train")
        self._validation = read_rows(root, contract, params, "validation")

    def __call__(self, settings: dict[str, Any]) -> float:
        """Fit with the settings in params.yaml, changed by these, and measure."""
        trained = fit(self._project, self._train, self._contract, with_settings(self._params, settings))
        rows: Rows = self._validation
        prediction = trained.predict(matrix(self._project.features(rows.columns, self._contract)))
        return float(primary_loss(self._contract.kind, rows.target, prediction, np.ones((1, len(prediction))))[0])


def tune(
    project: Project, root: Path, contract: Contract, params: Params, trials: int, jobs: int
) -> tuple[optuna.Study, float]:
    """Extend the study to at least `trials` trials, in whole batches, `jobs` at a time.

    Returns the study and the value of the settings in params.yaml. Raises ContractError if params.yaml has no space for
    the estimator in use.
    """
    space = distributions(params)
    if not (root / LEDGER).is_file():
        raise ContractError("no data was taken yet; take it with `make pipeline`")
    study = _open_study(root, contract, params)
    for interrupted in study.get_trials(states=[TrialState.RUNNING]):
        study.tell(interrupted.number, state=TrialState.FAIL)  # its batch is proposed again
    done = len(study.get_trials(states=[TrialState.COMPLETE]))
    with (
        _workers(jobs, (project, root, contract, params)) as pool,
        tqdm(total=trials, initial=min(done, trials), desc="tuning", unit="trial", disable=None) as bar,
    ):
        present = pool.submit(_score, {})
        while done < trials:
            study.sampler = _sampler(params, done)
            batch = [study.ask(space) for _ in range(params.tune.batch)]
            values = []
            for value in pool.map(_score, [trial.params for trial in batch]):
                values.append(value)
                bar.update()
            for trial, value in zip(
                batch, values, strict=True
            ):  # a batch is reported as a whole, so that none is resumed in the middle
                study.tell(trial, value)
            done += len(batch)
        return study, present.result()


def _workers(jobs: int, arguments: WorkerArguments) -> Executor:
    if jobs == 1:
        return ThreadPoolExecutor(1, initializer=_start_worker, initargs=arguments)
    # spawned, because a forked process must not use OpenMP after its parent has
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, context, initializer=_start_worker, initargs=arguments)


def distributions(params: Params) -> dict[str, BaseDistribution]:
    """The space of the estimator in use as optuna's distributions."""
    space = params.tune.space.get(params.model.estimator)
    if not space:
        raise ContractError(f"params.yaml: tune.space has nothing for {params.model.estimator!r}, the estimator in use")
    return {name: _distribution(ends) for name, ends in space.items()}


def with_settings(params: Params, settings: dict[str, Any]) -> Params:
    """The parameters with these settings of the estimator in use changed."""
    name = params.model.estimator
    merged = params.model.settings | {name: (params.model.settings.get(name) or {}) | settings}
    return dataclasses.replace(params, model=dataclasses.replace(params.model, settings=merged))


def _distribution(ends: Range) -> BaseDistribution:
    whole = isinstance(ends.low, int) and isinstance(ends.high, int)
    return (IntDistribution if whole else FloatDistribution)(ends.low, ends.high, log=ends.log)  # type: ignore[arg-type]


def _sampler(params: Params, done: int) -> TPESampler:
    """Tree-structured Parzen estimator (Bergstra et al., 2011) that proposes different settings within a batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(seed=params.seed + done, constant_liar=True, n_startup_trials=2 * params.tune.batch)


def _open_study(root: Path, contract: Contract, params: Params) -> optuna.Study:
    """The study of exactly this data, split and space; results with others are not comparable."""
    name = params.model.estimator
    space = params.tune.space[name]
    # searched settings are not part of the identity, so that writing the best ones does not start a new study
    fixed = {key: value for key, value in (params.model.settings.get(name) or {}).items() if key not in space}
    searched = {key: dataclasses.asdict(ends) for key, ends in space.items()}
    shared = {"seed": params.seed, "threads": params.threads, "split": dataclasses.asdict(params.split)}
    fixed_part = {"estimator": name, "fixed": fixed, "space": searched, "batch": params.tune.batch, **shared}
    identity = json.dumps([fixed_part, contract.to_json(), (root / LEDGER).read_text()], sort_keys=True)
    folder = root / "tuning"
    folder.mkdir(exist_ok=True)
    journal = folder / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.journal"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)


_worker_arguments: WorkerArguments | None = None  # what a worker was started with


def _start_worker(project: Project, root: Path, contract: Contract, params: Params) -> None:
    global _worker_arguments
    _worker_arguments = (project, root, contract, params)
    _objective.cache_clear()


@functools.cache
def _objective() -> Objective:
    """The rows, read once in each worker, at its first trial, because errors in an initializer are not reported."""
    if _worker_arguments is None:
        raise RuntimeError("the worker was not started")
    return Objective(*_worker_arguments)


def _score(settings: dict[str, Any]) -> float:
    return _objective()(settings)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `tune`."""
    parser = argparse.ArgumentParser(
        prog="tune", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, help="how many in all (else as params.yaml says)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; the result is the same (default: 1)")
    options = parser.parse_args(arguments)
    contract, params = read_contract(), read_params()
    study, present = tune(project, Path(), contract, params, options.trials or params.tune.trials, options.jobs)
    metric = PRIMARY[contract.kind]
    best = ", ".join(f"{name} {value:.6g}" for name, value in study.best_params.items())
    print(f"{len(study.trials)} trials; best {metric} {study.best_value:.6f} with {best}; now {metric} {present:.6f}")
    if study.best_value >= present:
        print("params.yaml is as good already; nothing was changed")
        return
    edit_yaml(Path("params.yaml"), {"model": {params.model.estimator: study.best_params}})
    print("params.yaml has the better settings; see `git diff`, then `make pipeline` and commit")
