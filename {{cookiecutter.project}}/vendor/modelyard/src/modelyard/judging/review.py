"""`labels-review`: write a CSV of the labels that are most likely wrong, for people to correct.

The project's own estimator and features are fitted in folds, so that each row is answered by a model that has not
learned from it. Fill in `label` (the corrected one, or the word keep), `reviewer` and `reason`, run `make pipeline`,
and commit all of it in a pull request. Lines that stay empty are not reviewed yet, and change nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError, counted
from ..runtime.bundle import read_bundle
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training import layout
from ..training.data.dataset import Rows
from ..training.data.matrices import matrix_of
from ..training.fit import features_of
from ..training.review.applied import keys_of
from ..training.review.corrections import Reviews, read_reviews
from ..training.review.crossfit import FOLDS, distribution, groups_of, out_of_fold, periods_of, read_labelled
from ..training.review.sheet import columns, depend_on_reviews, sheet, write_sheet
from ..training.review.suspects import Suspicion, most_suspicious, suspicion
from ..training.settings import Params, read_contract, read_params
from .answers import answer, answer_as_champion
from .collect import CHAMPION

PER_SLICE = 20
SEPARATOR = "\x1f"


def review(
    project: Project,
    root: Path,
    contract: Contract,
    params: Params,
    per_slice: int = PER_SLICE,
    folds: int = FOLDS,
    last: int | None = None,
    name: str | None = None,
) -> list[str]:
    """Write the suspects into a file of `corrections/`, which becomes a dependency of ingest; the lines of a summary.

    per_slice: the most rows of each slice. last: review this many periods only. name: of the file.

    Raises ContractError, with nothing written, if the rows have no id that may be committed, or cannot be cross-fitted.
    """
    columns(contract)
    reviews = read_reviews(root, contract)
    rows = read_labelled(root, contract, params, last)
    held = matrix_of(rows, features_of(project, contract)(rows.columns))
    answers = out_of_fold(project, held, groups_of(rows, contract), contract, params, folds)
    found = suspicion(answers, rows.target, contract)
    places, slices = most_suspicious(rows.table, found.order, contract, per_slice, _reviewed(rows, contract, reviews))
    if not len(places):
        return [f"all {len(rows.target):,} labelled rows are reviewed; nothing was written"]
    chosen = rows.take(places)
    some = Suspicion(*(values[places] for values in (found.order, found.told, found.predicted, found.spread)))
    differing, remark = between_versions(project, root, chosen, some.spread, contract)
    text = sheet(
        chosen.table, periods_of(rows, contract, params)[places].tolist(), chosen.target, some, differing, contract
    )
    path = write_sheet(root, text, name)
    each = f"the {per_slice} most suspicious of each of {counted(slices, 'slice')} ({', '.join(contract.slices)})"
    lines = [
        f"{path}: {counted(len(places), 'suspect')}, "
        f"{each if slices else f'the {per_slice} most suspicious, as contract.yaml has no slices'}, of "
        f"{len(rows.target):,} labelled rows, cross-fitted in {folds} folds by seed {params.seed}",
        *([remark] if remark else []),
    ]
    if depend_on_reviews(root):
        lines.append(f"dvc.yaml: ingest depends on {layout.CORRECTIONS}/ now, so commit it with the file")
    return lines


def between_versions(
    project: Project, root: Path, rows: Rows, spread: NDArray[np.float64], contract: Contract
) -> tuple[NDArray[np.float64] | None, str | None]:
    """How far the champion's answers are from this model's, shape (n,), and a remark if that cannot be told.

    Of classes it is half the sum of the differences of their probabilities, from 0 to 1; of a number the difference in
    units of `spread`.
    """
    empty = "the column disagreement is empty: "
    if not (root / CHAMPION / "manifest.json").is_file() or not (root / layout.BUNDLE / "manifest.json").is_file():
        return None, f"{empty}it compares two versions; `make pipeline` makes this one, `make champion` gets main's"
    try:
        champion, this = read_bundle(root / CHAMPION), read_bundle(root / layout.BUNDLE)
        if champion.digest == this.digest:
            return None, f"{empty}the model here is main's"
        if (champion.contract.kind, champion.contract.classes) != (contract.kind, contract.classes):
            raise ContractError("the champion answers another question")
        answers = answer(project, this, [rows]), answer_as_champion(project, champion, [rows], contract)[0]
    except ContractError as error:
        return None, f"{empty}{error}"
    one, other = (distribution(values, contract) for values in answers)
    away = np.abs(one - other).sum(axis=1)
    return (away / spread if contract.kind == "regression" else away / 2), None


def _reviewed(rows: Rows, contract: Contract, reviews: Reviews) -> NDArray[np.bool_]:
    """Which rows somebody has reviewed, shape (n,)."""
    known = {SEPARATOR.join(row.key) for row in reviews.rows}
    if not known:
        return np.zeros(len(rows.target), bool)
    return np.array([key in known for key in keys_of(rows.table, contract).to_pylist()], bool)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `labels-review`."""
    parser = argparse.ArgumentParser(
        prog="labels-review", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--per-slice", type=_count, default=PER_SLICE, metavar="N", help=f"rows of each slice ({PER_SLICE})"
    )
    parser.add_argument("--folds", type=_count, default=FOLDS, metavar="K", help=f"of cross-fitting ({FOLDS})")
    parser.add_argument("--last", type=_count, metavar="N", help="review the last N periods only")
    parser.add_argument("--name", metavar="FILE", help=f"of a new file in {layout.CORRECTIONS}/ (review-1.csv, ...)")
    given = parser.parse_args(arguments)
    if given.folds < 2:
        parser.error("--folds: at least 2 are needed")
    lines = review(
        project, Path(), read_contract(), read_params(), given.per_slice, given.folds, given.last, given.name
    )
    print("\n".join(lines))
