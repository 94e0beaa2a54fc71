"""The answers of champion and challenger to the same rows, none of which the champion has learned from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..errors import ContractError
from ..runtime.bundle import Bundle
from ..training.answered_holdout import draw_groups
from ..training.bootstrap import FEWEST_GROUPS
from ..training.data.dataset import Rows
from ..training.data.parts import shown
from .answers import answer_as_champion, unseen
from .collect import Case
from .compare import Paired


@dataclass(frozen=True)
class Pairing:
    """Both models' answers, the rows that they answered, and remarks for the reader."""

    paired: Paired
    rows: Rows
    notes: list[str]


def pair(case: Case, champion: Bundle) -> Pairing:
    """Both models' answers to the holdout rows that the champion has not learned from.

    Raises ContractError if the two cannot be compared.
    """
    challenger, contract, params = case.challenger, case.challenger.contract, case.params
    _check_same_question(champion, challenger)
    usable = unseen(champion, case.rows, contract, params, challenger.manifest["data"])
    if not usable.any():
        raise ContractError(
            "another holdout: the champion has learned from every row that the challenger is judged by; move the "
            "watermark on or hold out what the champion held out, see `split` in params.yaml"
        )
    rows = case.rows.take(np.flatnonzero(usable))
    blocks = dataclasses.replace(case.blocks, chosen=usable)
    answers, remark = answer_as_champion(case.project, champion, blocks, contract)
    paired = Paired(contract, rows.target, answers, case.scores[usable], draw_groups(rows, contract, params.evaluate))
    if paired.draws_from < FEWEST_GROUPS:
        raise ContractError(
            f"the holdout has {paired.draws_from} {params.evaluate.resample}s to draw from, and an interval needs at "
            f"least {FEWEST_GROUPS}; hold out more (split.holdout), or draw rows (evaluate.resample: row)"
        )
    notes = [remark] if remark else []
    if not usable.all():
        learned = np.count_nonzero(~usable)
        notes.append(f"The champion has learned from {learned:,} of the holdout rows; they are left out.")
    before, now = (shown(bundle.manifest["training"], "holdout") for bundle in (champion, challenger))
    if before != now:
        notes.append(
            f"The champion was judged on {', '.join(before)}, the challenger on {', '.join(now)}; here both answer the "
            "rows of the latter."
        )
    return Pairing(paired, rows, notes)


def _check_same_question(champion: Bundle, challenger: Bundle) -> None:
    """Raise ContractError unless both models answer the same question, by their contracts."""
    ours, theirs = challenger.contract, champion.contract
    for relation, challenger_value, champion_value in [
        ("predicts", ours.target, theirs.target),
        ("is a model of", ours.kind, theirs.kind),
        ("knows the classes", ours.classes, theirs.classes),
        ("predicts in the unit", ours.columns[ours.target].unit, theirs.columns[theirs.target].unit),
    ]:
        if challenger_value != champion_value:
            raise ContractError(
                f"another contract: the champion {relation} {champion_value}, the challenger {challenger_value}; "
                "they cannot be compared. Where that is meant, set `champion: {require: none}` in policy.yaml "
                "for this change"
            )
