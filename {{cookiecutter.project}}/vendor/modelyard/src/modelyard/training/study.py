"""The study of a search: its journal in tuning/, the settings that it proposes, and what they were measured to be."""

from __future__ import annotations

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
from optuna.trial import Trial, TrialState

from ..errors import ContractError
from ..runtime.contract import Contract
from .layout import LEDGER
from .settings import Params, Range
from .trials import objective

TUNING = Path("tuning")


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


def journal_of(root: Path, contract: Contract, params: Params) -> Path:
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
    return root / TUNING / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.journal"


def open_study(journal: Path, params: Params) -> tuple[optuna.Study, int]:
    """The study in a journal, which is made if it is not there, and how many of its trials are complete.

    Trials that were interrupted are failed; their batch is proposed again.
    """
    journal.parent.mkdir(exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage, name = JournalStorage(JournalFileBackend(str(journal))), params.model.estimator
    study = optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)
    for interrupted in study.get_trials(states=[TrialState.RUNNING]):
        study.tell(interrupted.number, state=TrialState.FAIL)
    return study, len(study.get_trials(states=[TrialState.COMPLETE]))


def ask(study: optuna.Study, params: Params, done: int) -> list[Trial]:
    """The batch that comes after so many complete trials; its settings depend on these and on the seed only."""
    space = distributions(params)
    study.sampler = sampler(params, done)
    return [study.ask(space) for _ in range(params.tune.batch)]


def tell(study: optuna.Study, batch: Sequence[Trial], values: Sequence[float]) -> None:
    """Report a batch as a whole and in order, so that none is resumed in the middle."""
    for trial, value in zip(batch, values, strict=True):
        study.tell(trial, value)


def score(settings: dict[str, Any]) -> float:
    """The value of these settings, measured in a worker."""
    return objective()(settings)


def trials(root: Path, contract: Contract, params: Params) -> list[tuple[int, dict[str, Any], float]]:
    """What was tried for this data, split and space: its number, the settings and the primary metric."""
    name = params.model.estimator
    if name not in params.tune.space or not (root / LEDGER).is_file():
        return []
    journal = journal_of(root, contract, params)
    return read_trials(journal) if journal.is_file() else []


def read_trials(journal: Path) -> list[tuple[int, dict[str, Any], float]]:
    """The complete trials of a journal, which has one study: number, settings and value of each."""
    study = optuna.load_study(study_name=None, storage=JournalStorage(JournalFileBackend(str(journal))))
    finished = study.get_trials(states=[TrialState.COMPLETE])
    return [(trial.number, trial.params, float(trial.value)) for trial in finished if trial.value is not None]
