"""Fit the model and export it as ONNX, which must give scikit-learn's answers.

A first fit, on the training rows, answers the validation rows: these answers choose the threshold. With `split.refit`
the model that ships is then fitted again, on both.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.matrix import Columns, matrix
from ..runtime.predictor import MANY, OnnxModel
from ..runtime.project import Project
from .cluster.address import import_distributed
from .contributions import contributions, spread_over, tells
from .data.blocks import StoredColumns, read_blocks, read_target, rows_at
from .data.dataset import Rows, part_of, read_rows, told_days
from .data.matrices import FeatureBlocks, Matrix
from .data.parts import Part
from .data.periods import WHOLE
from .environment import environment
from .export import to_onnx
from .fit import Trained, answers_of, built, features_of, fit_matrix
from .fitted import adds_up
from .layout import ENVIRONMENT, MODEL, REFERENCE, TRAINING, VALIDATION
from .memory import fitting_rows
from .predictions import saved_columns, write_predictions
from .reference import reference
from .settings import Params, read_contract, read_params

if TYPE_CHECKING:
    from .cluster.partitions import Partitions

# How far the exported model may be from the estimator, on every row: absolute, or for numbers above 1 relative to them,
# because the last digit of a large number is worth more
TOLERANCE = 1e-9
JUDGED: tuple[Part, ...] = ("validation", "holdout")
ENDS = ("first_period", "last_period")


def export(project: Project, trained: Trained, path: Path, contract: Contract, checked: Iterable[Rows]) -> float:
    """Write the model as ONNX to `path`; return the largest difference from the estimator over all checked rows.

    Raises ContractError, and removes the file, if a difference is above TOLERANCE, or if the answer to a row depends on
    the number of rows in the call.
    """
    model = to_onnx(trained.estimator, len(trained.features))
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    try:
        return _checked(project, OnnxModel(path, contract, project.features), trained, contract, checked)
    except ContractError:
        path.unlink()
        raise


def _checked(
    project: Project, exported: OnnxModel, trained: Trained, contract: Contract, checked: Iterable[Rows]
) -> float:
    worst, same = 0.0, True
    for rows in checked:
        features = project.features(rows.columns, contract)
        table = matrix(features)
        expected, many = answers_of(trained, features), exported.answer(table)
        few = [exported.answer(table[start : start + MANY - 1]) for start in range(0, len(table), MANY - 1)]
        for answers in (many, np.concatenate(few)):
            away = np.abs(answers - expected) / np.maximum(1.0, np.abs(expected))
            worst = float(np.maximum(worst, away.max()))  # propagates NaN, unlike max()
            same &= np.array_equal(answers, many)
    if not worst <= TOLERANCE:
        raise ContractError(f"the exported model is up to {worst:g} away from the estimator, more than {TOLERANCE:g}")
    if not same:
        raise ContractError(f"the exported model answers a row in another way among {MANY} rows than among fewer")
    return worst


def single_precision(
    project: Project, trained: Trained, contract: Contract, checked: Iterable[Rows]
) -> dict[str, float]:
    """Of an estimator that adds up in float64 what its library adds up in float32: its name, and how far it is away."""
    before, last = None, trained.estimator
    if isinstance(last, Pipeline):
        before, last = last[:-1], last[-1]
    if not hasattr(last, "single_precision"):
        return {}
    worst = 0.0
    for rows in checked:
        table = matrix(project.features(rows.columns, contract))
        own = last.single_precision(table if before is None else before.transform(table))
        worst = max(worst, float(np.abs(own - trained.predict(table)).max()))
    return {type(last).__name__: worst}


def train(project: Project, root: Path, contract: Contract, params: Params) -> dict[str, Any]:
    """Fit and export under `root`; return the facts about the training."""
    counts = {part: len(read_target(root, contract, params, part)[0]) for part in JUDGED}
    trained, first, last = _fits(project, root, contract, params)

    def judged() -> Iterator[Rows]:
        for part in JUDGED:
            yield from read_blocks(root, contract, params, part)

    worst = export(project, trained, root / MODEL, contract, judged())
    stretches = {part: part_of(root, contract, params, part) for part in JUDGED}
    training = {
        "estimator": params.model.estimator,
        "features": trained.features,
        "baseline": trained.baseline,
        "rows": last["rows"],
        "unlabelled_rows": last["unlabelled"],
        **{end: last[end] for end in ENDS},
        "refit": params.split.refit,
        "first_fit": {name: first[name] for name in ("rows", *ENDS)},
        "validation_rows": counts["validation"],
        **{f"{part}_periods": stretch.periods for part, stretch in stretches.items()},
        "contributions": _contributions(project, trained, root, contract, params),
    }
    if gaps := single_precision(project, trained, contract, judged()):
        training["single_precision"] = gaps
    if params.model.partitions > 1:
        training["partitions"] = params.model.partitions
    days = {"train": last["days"], **{part: told_days(stretch) for part, stretch in stretches.items()}}
    training |= {f"{part}_days": list(ends) for part, ends in days.items() if ends}
    contents = {
        TRAINING: training,
        REFERENCE: reference(StoredColumns(root, contract, params, "shipped"), contract),
        ENVIRONMENT: environment(project.name),
    }
    for place, content in contents.items():
        (root / place).write_text(json.dumps(content, indent=1) + "\n")
    print(f"exported: at most {worst:.1e} from the estimator on {sum(counts.values()):,} rows")
    for told in adds_up(training):
        print(told)
    return training


def _fits(
    project: Project, root: Path, contract: Contract, params: Params
) -> tuple[Trained, dict[str, Any], dict[str, Any]]:
    """The estimator that ships, and the facts about the rows of the first fit and of the last, which may be the same.

    The first fit's answers to the validation rows are written.
    """
    with _workers(project, root, contract, params) as workers:
        trained, first = _fit(project, root, contract, params, "train", f"fitting {params.model.estimator}", workers)
        _answer_validation(root, trained, features_of(project, contract), contract, params)
        last = first
        if params.split.refit:
            doing = "fitting it again, with the validation rows:"
            trained, last = _fit(project, root, contract, params, "shipped", doing, workers)
    return trained, first, last


def _workers(
    project: Project, root: Path, contract: Contract, params: Params
) -> AbstractContextManager[Partitions | None]:
    """Those that fit together; none where this process fits alone."""
    if params.model.partitions == 1:
        return nullcontext()
    import_distributed()  # which says how to get it
    from .cluster.partitions import partitions

    return partitions(project, root, contract, params)


def _fit(
    project: Project,
    root: Path,
    contract: Contract,
    params: Params,
    part: Part,
    doing: str,
    workers: Partitions | None,
) -> tuple[Trained, dict[str, Any]]:
    """The estimator fitted on the rows of a part, and the facts about these, which are not in memory afterwards."""
    blocks = FeatureBlocks(root, contract, params, part, features_of(project, contract))
    estimator = built(project, blocks, contract, params)
    rows = blocks if workers else fitting_rows(blocks, estimator, params)
    facts = {
        "rows": len(rows.target),
        "unlabelled": rows.unlabelled,
        "first_period": rows.periods[0],
        "last_period": rows.days[1] if rows.days else rows.periods[-1],
        "days": rows.days,
    }
    print(f"{doing} on {_told(rows)}", flush=True)
    elsewhere = partial(workers.fit, part) if workers else None
    return fit_matrix(estimator, rows, contract, params, elsewhere), facts


def _answer_validation(
    root: Path, trained: Trained, features: Callable[[Columns], dict[str, NDArray]], contract: Contract, params: Params
) -> None:
    """Write the first fit's answers to the validation rows."""
    blocks = read_blocks(root, contract, params, "validation")
    answers = np.concatenate([answers_of(trained, features(rows.columns)) for rows in blocks])
    rows = read_rows(root, contract, params, "validation", saved_columns(contract))
    write_predictions(root / VALIDATION, rows, answers, contract)


def _contributions(
    project: Project, trained: Trained, root: Path, contract: Contract, params: Params
) -> list[dict[str, Any]]:
    """What moved the answers to some holdout rows, from the lowest answer to the highest."""
    if not tells(trained.estimator) or contract.kind == "multiclass":
        return []
    blocks = read_blocks(root, contract, params, "holdout")
    answers = np.concatenate([answers_of(trained, project.features(rows.columns, contract)) for rows in blocks])
    places = spread_over(answers)
    rows = rows_at(root, contract, params, "holdout", places)
    return contributions(trained.estimator, project.features(rows.columns, contract), answers[places])


def _told(rows: Matrix | FeatureBlocks) -> str:
    first, last = rows.days or (rows.periods[0], rows.periods[-1])
    count = f"{len(rows.target):,} rows"
    return count if first == WHOLE else f"{count} of {first} to {last}"


def main(arguments: Sequence[str], project: Project) -> None:
    """The stage `train`."""
    argparse.ArgumentParser(prog="train", description=__doc__).parse_args(arguments)
    contract, params = read_contract(), read_params()
    with threadpool_limits(params.threads):  # not of the fit alone: what it answers is kept too
        train(project, Path(), contract, params)
