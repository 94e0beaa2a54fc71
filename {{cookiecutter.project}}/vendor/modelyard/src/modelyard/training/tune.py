"""Search for better settings of the estimator in use, judged on the validation rows, and write them to params.yaml.

Settings are proposed in batches, whose size is in params.yaml, each from a seed of its own, and reported in order. So
the result depends on the seed and the number of trials only, not on how many run at once or on whether the search was
interrupted and resumed.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from tqdm import tqdm

from ..errors import ContractError, counted
from ..runtime.contract import Contract
from ..runtime.project import Project
from .edit import edit_yaml
from .layout import LEDGER
from .metrics import PRIMARY
from .settings import Params, Range, read_contract, read_params
from .trials import check_taken, objective, workers


def tune(
    project: Project, root: Path, contract: Contract, params: Params, trials: int, jobs: int
) -> tuple[optuna.Study, float]:
    """Extend the study to at least `trials` trials, in whole batches, `jobs` at a time.

    Returns the study and the value of the settings in params.yaml. Raises ContractError if params.yaml has no space for
    the estimator in use.
    """
    space = distributions(params)
    check_taken(root)
    study = _open_study(root, contract, params)
    for interrupted in study.get_trials(states=[TrialState.RUNNING]):
        study.tell(interrupted.number, state=TrialState.FAIL)  # its batch is proposed again
    done = len(study.get_trials(states=[TrialState.COMPLETE]))
    total = done + _whole(trials - done, params)
    with (
        workers(jobs, (project, root, contract, params)) as pool,
        tqdm(total=total, initial=done, desc="tuning", unit="trial", disable=None) as bar,
    ):
        present = pool.submit(_score, {})
        while done < trials:
            study.sampler = sampler(params, done)
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


def distributions(params: Params) -> dict[str, BaseDistribution]:
    """The space of the estimator in use as optuna's distributions."""
    space = params.tune.space.get(params.model.estimator)
    if not space:
        raise ContractError(f"params.yaml: tune.space has nothing for {params.model.estimator!r}, the estimator in use")
    return {name: distribution(ends) for name, ends in space.items()}


def distribution(ends: Range) -> BaseDistribution:
    """A range as optuna's distribution."""
    whole = isinstance(ends.low, int) and isinstance(ends.high, int)
    return (IntDistribution if whole else FloatDistribution)(ends.low, ends.high, log=ends.log)  # type: ignore[arg-type]


def sampler(params: Params, done: int) -> TPESampler:
    """Tree-structured Parzen estimator (Bergstra et al., 2011) that proposes different settings within a batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(seed=params.seed + done, constant_liar=True, n_startup_trials=2 * params.tune.batch)


def trials(root: Path, contract: Contract, params: Params) -> list[tuple[int, dict[str, Any], float]]:
    """What was tried for this data, split and space: its number, the settings and the primary metric."""
    name = params.model.estimator
    if name not in params.tune.space or not (root / LEDGER).is_file():
        return []
    if not (journal := _journal(root, contract, params)).is_file():
        return []
    study = optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(journal))))
    finished = study.get_trials(states=[TrialState.COMPLETE])
    return [(trial.number, trial.params, float(trial.value)) for trial in finished if trial.value is not None]


def _journal(root: Path, contract: Contract, params: Params) -> Path:
    """The file of the study of exactly this data, split and space; results with others are not comparable."""
    name = params.model.estimator
    space = params.tune.space[name]
    # searched settings are not part of the identity, so that writing the best ones does not start a new study
    fixed = {key: value for key, value in (params.model.settings.get(name) or {}).items() if key not in space}
    searched = {key: dataclasses.asdict(ends) for key, ends in space.items()}
    split = dataclasses.asdict(params.split)
    del split["refit"]  # is done after the search
    shared = {"seed": params.seed, "threads": params.threads, "split": split}
    fixed_part = {"estimator": name, "fixed": fixed, "space": searched, "batch": params.tune.batch, **shared}
    identity = json.dumps([fixed_part, contract.to_json(), (root / LEDGER).read_text()], sort_keys=True)
    return root / "tuning" / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.journal"


def _open_study(root: Path, contract: Contract, params: Params) -> optuna.Study:
    journal = _journal(root, contract, params)
    journal.parent.mkdir(exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage, name = JournalStorage(JournalFileBackend(str(journal))), params.model.estimator
    return optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)


def _score(settings: dict[str, Any]) -> float:
    return objective()(settings)


def _whole(trials: int, params: Params) -> int:
    """So many trials in whole batches; none if there are enough."""
    return params.tune.batch * max(0, -(-trials // params.tune.batch))


def _told(found: int, wanted: int, params: Params) -> str:
    told = counted(found, "trial")
    if 0 < found - wanted < params.tune.batch:
        told += f", not {wanted}, as they run in batches of {params.tune.batch} (tune.batch in params.yaml)"
    return told


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `tune`."""
    parser = argparse.ArgumentParser(
        prog="tune", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, help="how many in all (else as params.yaml says)")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; the result is the same (default: 1)")
    options = parser.parse_args(arguments)
    contract, params = read_contract(), read_params()
    wanted = options.trials or params.tune.trials
    study, present = tune(project, Path(), contract, params, wanted, options.jobs)
    metric = PRIMARY[contract.kind]
    best = ", ".join(f"{name} {value:.6g}" for name, value in study.best_params.items())
    found = _told(len(study.trials), wanted, params)
    print(f"{found}; best {metric} {study.best_value:.6f} with {best}; now {metric} {present:.6f}")
    if study.best_value >= present:
        print("params.yaml is as good already; nothing was changed")
        return
    edit_yaml(Path("params.yaml"), {"model": {params.model.estimator: study.best_params}})
    print("params.yaml has the better settings; see `git diff`, then `make pipeline` and commit")
