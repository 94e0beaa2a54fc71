"""Answers to each row by a model that has not learned from it: the project's estimator, fitted in folds."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.project import Project
from ..data.dataset import Rows, labelled
from ..data.ledger import read_ledger
from ..data.matrices import Matrix
from ..data.parts import Stretch
from ..data.periods import read_periods
from ..fit import built, fit_matrix
from ..layout import LEDGER, PERIODS
from ..memory import BYTES, GIB, PROCESS, allowed_memory
from ..settings import Params
from ..unfit import unfit

FOLDS = 5


def read_labelled(root: Path, contract: Contract, params: Params, last: int | None = None) -> Rows:
    """All rows that were taken and have a target, whatever their part of the split; or those of the `last` periods.

    Raises ContractError if nothing was taken, or it does not fit into memory.
    """
    ledger = read_ledger(root / LEDGER)
    if not ledger:
        raise ContractError("no data was taken yet; take it with `make pipeline`")
    periods = sorted(ledger)[-last:] if last else sorted(ledger)
    rows = sum(ledger[period].rows for period in periods)
    needed = PROCESS + rows * len(contract.columns) * BYTES
    allowed, by = allowed_memory(params)
    if needed > allowed:
        raise ContractError(
            f"{rows:,} rows of {len(contract.columns)} columns take about {needed / GIB:.1f} GiB to review, and "
            f"{allowed / GIB:.1f} GiB are allowed by {by}; review the last periods: make labels-review ARGS='--last 3'"
        )
    table = read_periods(root / PERIODS, periods, list(contract.columns))
    return labelled(table, contract, "shipped", Stretch(periods))


def periods_of(rows: Rows, contract: Contract, params: Params) -> NDArray[np.str_]:
    """The period of each row, shape (n,)."""
    if contract.time is None:
        return np.full(len(rows.target), rows.periods[0])
    return np.datetime_as_string(rows.table[contract.time].to_numpy().astype(f"datetime64[{params.unit}]"))


def groups_of(rows: Rows, contract: Contract) -> NDArray | None:
    """The entity of each row, shape (n,), whose rows stay together; None if the contract has none."""
    if contract.group is None:
        return None
    return np.unique(rows.table[contract.group].cast("string").fill_null("").to_numpy(), return_inverse=True)[1]


def out_of_fold(
    project: Project,
    rows: Matrix,
    groups: NDArray | None,
    contract: Contract,
    params: Params,
    folds: int = FOLDS,
) -> NDArray[np.float64]:
    """The answer to each of n rows by the estimator fitted on the other folds.

    groups: shape (n,), the entity of each row; all rows of one are in one fold. The folds are drawn by the seed, and of
    classes each has its share.

    Returns shape (n,) for a number, else (n, classes): the probability of each class.

    Raises ContractError if there are fewer rows or groups than folds, or a class that a fold's training lacks.
    """
    target = rows.target
    distinct = len(target) if groups is None else len(np.unique(groups))
    if distinct < folds:
        raise ContractError(
            f"{distinct:,} {'rows' if groups is None else f'values of {contract.group}'} cannot be divided into "
            f"{folds} folds; give fewer folds, or more data"
        )
    answers = np.full((len(target), max(len(contract.classes), 1)), np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # is refused below
        drawn = list(_splitter(groups is not None, contract, params, folds).split(rows.table, target, groups))
    for learned, asked in tqdm(drawn, desc="cross-fitting", unit="fold", disable=None):
        _check_classes(target, learned, contract, folds)
        part = rows.take(learned)
        trained = fit_matrix(built(project, part, contract, params), part, contract, params)
        try:
            with threadpool_limits(params.threads):
                found = trained.predict(rows.table[asked])
        except ValueError as error:
            why = unfit(dict(zip(rows.features, rows.table[asked].T, strict=True)))
            raise ContractError(f"{why or 'the estimator cannot answer these features'}: {error}") from None
        answers[asked] = distribution(found, contract)
    return answers[:, 0] if contract.kind == "regression" else answers


def distribution(answers: NDArray[np.float64], contract: Contract) -> NDArray[np.float64]:
    """A model's answers as shape (n, classes), or (n, 1) for a number."""
    if contract.kind == "regression":
        return answers[:, None]
    return np.column_stack([1 - answers, answers]) if contract.kind == "binary" else answers


def _splitter(grouped: bool, contract: Contract, params: Params, folds: int) -> KFold:
    kinds = {
        (False, False): StratifiedKFold,
        (False, True): StratifiedGroupKFold,
        (True, False): KFold,
        (True, True): GroupKFold,
    }
    return kinds[contract.kind == "regression", grouped](n_splits=folds, shuffle=True, random_state=params.seed)


def _check_classes(target: NDArray, learned: NDArray, contract: Contract, folds: int) -> None:
    counts = np.bincount(target, minlength=len(contract.classes)) if contract.classes else np.ones(1)
    absent = [
        (value, counts[place]) for place, value in enumerate(contract.classes) if not (target[learned] == place).any()
    ]
    if absent:
        (value, count), *_ = absent
        raise ContractError(
            f"{contract.target} = {value!r} has {count:,} {'row' if count == 1 else 'rows'}, and one of {folds} folds "
            "would be judged without having seen it; review more periods, or leave the class out of `values` in "
            "contract.yaml"
        )
