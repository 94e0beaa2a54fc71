"""Judge whether a model may ship: `policy.yaml` against the challenger's bundle and the champion's.

Ends with 0 where it may ship, 1 where it is blocked, 2 where it could not be judged, which never counts as passed.
Writes reports/verdict.json and reports/verdict.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from .answers import answer, answer_as_champion, periods_of, some, unseen
from ..runtime.bundle import Bundle, read_bundle
from .compare import Paired
from .policy import POLICY, Judgement, Policy, judge, policy_line, read_policy
from .rules import DECIDED, compare_slices, judge_calibration, judge_champion, judge_claims, judge_limits, judge_slices, same_answers, worst_first
from .verdict import VERDICT, Ruling, Verdict, decide
from ..training.metrics import PRIMARY, Decision
from ..runtime.contract import ContractError
from ..training.settings import Evaluate, Params, Split, read_params
from ..training.data.dataset import Rows
from ..training.evaluate import draw_groups
from ..training import layout
from ..training.data.dataset import read_rows as read_part

CHAMPION = Path("champion/bundle")
ORIGIN = "origin.json"
FEWEST_GROUPS = 5  # with fewer, a spread between draws says nothing


def gate(champion: Bundle | None, challenger: Bundle, policy: Policy, root: Path = Path()) -> Verdict:
    """The verdict on the challenger. The holdout rows are those of `data/` under `root`, by the challenger's split.

    Raises ContractError where something that is needed is not there or does not fit.
    """
    params, rows = _holdout(challenger, root)
    scores = answer(challenger, rows)
    judged = [judge_claims(challenger, rows, scores, _decision(challenger, challenger), params)]
    comparison, notes = None, []
    if policy.champion.require == "none":
        notes.append("The policy compares with no champion (`require: none`): the rules for one model alone decide.")
    elif champion is None:
        notes.append("There is no champion yet: the rules for one model alone decide.")
    else:
        try:
            paired, rows, notes = _pair(champion, challenger, params, rows, scores)
            comparison, found = _compare(champion, challenger, policy, paired, rows, params)
            judged += found
        except ContractError as error:
            if _told(champion.folder).get("committed", True):
                raise
            champion = None
            notes.append(f"Main has no committed model yet, and what its code makes cannot be compared ({error}). The "
                         "rules for one model alone decide.")  # fmt: skip
    judged += [*judge(policy, challenger.metrics, challenger.contract), *judge_limits(policy, challenger)]
    rules = [_ruling(one, root / POLICY) for one in judged]
    verdict, reason = decide(rules)
    return Verdict(verdict, reason, {"bundle": challenger.digest}, _origin(champion), rules, comparison, notes)


def _holdout(challenger: Bundle, root: Path) -> tuple[Params, Rows]:
    """The rows that the challenger's evaluation took, from the data here, which must be what it was made from."""
    ledger = root / layout.LEDGER
    if not ledger.is_file():
        raise ContractError(f"{ledger}: there is no data to judge with; make it with `dvc repro`, or `dvc pull`")
    if json.loads(ledger.read_text()) != challenger.manifest["data"]:
        raise ContractError(f"{challenger.folder} was made from other data than {ledger} lists; run `dvc repro`")
    used = challenger.manifest["params"]
    params = dataclasses.replace(
        read_params(root / "params.yaml"),
        split=Split(**used["split"]),
        evaluate=Evaluate(**used["evaluate"]),
        seed=used["seed"],
        period=used["period"],
    )
    return params, read_part(root, challenger.contract, params, "holdout")


def _pair(
    champion: Bundle, challenger: Bundle, params: Params, rows: Rows, scores: np.ndarray
) -> tuple[Paired, Rows, list[str]]:
    """Both models' answers to the holdout rows that the champion has not learned from, and those rows."""
    ours, theirs = challenger.contract, champion.contract
    for what, here, there in [
        ("predicts", ours.target, theirs.target),
        ("is a model of", ours.kind, theirs.kind),
        ("knows the classes", ours.classes, theirs.classes),
        ("predicts in the unit", ours.columns[ours.target].unit, theirs.columns[theirs.target].unit),
    ]:
        if here != there:
            raise ContractError(
                f"another contract: the champion {what} {there}, the challenger {here}; they cannot be compared. Where "
                "that is meant, set `champion: {require: none}` in policy.yaml for this change"
            )
    kept = unseen(champion, rows, ours, params, challenger.manifest["data"])
    if not kept.any():
        raise ContractError(
            "another holdout: the champion has learned from every row that the challenger is judged by; move the "
            "watermark on or hold out what the champion held out, see `split` in params.yaml"
        )
    rows = some(rows, kept)
    answers, remark = answer_as_champion(champion, rows, ours)
    paired = Paired(ours, rows.target, answers, scores[kept], draw_groups(rows, ours, params.evaluate))
    if paired.draws_from < FEWEST_GROUPS:
        raise ContractError(
            f"the holdout has {paired.draws_from} {params.evaluate.resample}s to draw from, and an interval needs at "
            f"least {FEWEST_GROUPS}; hold out more (split.holdout), or draw rows (evaluate.resample: row)"
        )
    notes = [remark] if remark else []
    if not kept.all():
        learned = np.count_nonzero(~kept)
        notes.append(f"The champion has learned from {learned:,} of the holdout rows; they are left out.")
    before, now = (one.manifest["training"]["holdout_periods"] for one in (champion, challenger))
    if before != now:
        notes.append(
            f"The champion was judged on {', '.join(before)}, the challenger on {', '.join(now)}; here both answer the "
            "rows of the latter."
        )
    return paired, rows, notes


def _compare(
    champion: Bundle, challenger: Bundle, policy: Policy, paired: Paired, rows: Rows, params: Params
) -> tuple[dict[str, Any], list[Judgement]]:
    contract, asked = challenger.contract, policy.champion
    kind, time = contract.kind, contract.time
    decisions = _decision(champion, challenger), _decision(challenger, challenger)
    if same := same_answers(paired):
        paired = dataclasses.replace(paired, challenger=paired.champion)  # else the last digits would seem beyond noise
    found = paired.metrics(decisions, asked.draws, params.seed, asked.confidence)
    metrics = worst_first(found, kind)
    slices = compare_slices(policy, contract, rows.table, paired, params.seed)
    if asked.metric in DECIDED:
        same = same and champion.manifest["threshold"] == challenger.manifest["threshold"]
    judged = [judge_champion(policy, kind, metrics, same)]
    if policy.slices and challenger.contract.slices:
        judged += judge_slices(policy, kind, slices)
    if policy.calibration:
        judged.append(judge_calibration(policy, metrics))
    comparison = {
        "rows": len(paired),
        "draws": asked.draws,
        "groups": paired.draws_from,
        "periods": np.unique(periods_of(rows, time, params)).tolist() if time else rows.periods,
        "confidence": asked.confidence,
        "metrics": {name: dataclasses.asdict(one) for name, one in metrics.items()},
        "slices": [
            {key: line[key] for key in ("column", "slice", "rows", "kept")}
            | {"metric": PRIMARY[kind]}
            | dataclasses.asdict(line["difference"])
            for line in slices
        ],
        "curves": paired.curves(),
    }
    return comparison, judged


def _decision(bundle: Bundle, judged_as: Bundle) -> Decision | None:
    """The bundle's threshold, at the costs of the one that is judged."""
    if bundle.contract.kind != "binary":
        return None
    costs = judged_as.manifest["params"]["evaluate"]
    return Decision(bundle.manifest["threshold"], costs["false_positive_cost"], costs["false_negative_cost"])


def _ruling(one: Judgement, policy: Path) -> Ruling:
    return Ruling(one.rule, policy_line(policy, one.key) if one.key else "always", one.found, one.kept)


def _origin(champion: Bundle | None) -> dict[str, Any] | None:
    if champion is None:
        return None
    origin = _told(champion.folder).get("from", champion.folder.as_posix())
    return {"bundle": champion.digest, "from": origin}


def _told(folder: Path) -> dict[str, Any]:
    """What `ops champion` has written of the champion in a folder; nothing where it is another folder."""
    path = folder.parent / ORIGIN
    return json.loads(path.read_text()) if path.is_file() else {}


def find_champion(folder: Path) -> Bundle | None:
    """The champion in a folder, or None where `ops champion` found that there is none yet.

    Raises ContractError where it was not looked for, could not be had, or is no longer there.
    """
    if (folder / "manifest.json").is_file():
        return read_bundle(folder)
    if not (origin := _told(folder)):
        raise ContractError(f"there is no champion in {folder}; get it with `make champion`, or say --no-champion")
    if "failed" in origin:
        raise ContractError(f"the champion cannot be had: {origin['failed']}")
    if not origin.get("absent"):
        told = folder.parent / ORIGIN
        raise ContractError(f"{folder} is gone, though {told} says that it was there; get it again: `make champion`")
    return None


def main(arguments: list[str] | None = None) -> None:
    """The verb `gate`."""
    parser = argparse.ArgumentParser(
        prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("champion", nargs="?", type=Path, default=CHAMPION, help=f"its bundle ({CHAMPION})")
    parser.add_argument("challenger", nargs="?", type=Path, default=layout.BUNDLE, help=f"its bundle ({layout.BUNDLE})")
    parser.add_argument("--no-champion", action="store_true", help="there is none yet")
    given = parser.parse_args(arguments)
    VERDICT.unlink(missing_ok=True)
    try:
        policy = read_policy()
        alone = given.no_champion or policy.champion.require == "none"
        verdict = gate(None if alone else find_champion(given.champion), read_bundle(given.challenger), policy)
    except ContractError as error:
        verdict = Verdict("unjudged", str(error))
    except Exception as error:  # a fault of ours too: status 1 is for a model that was found wanting
        traceback.print_exc()
        verdict = Verdict("unjudged", f"the gate itself failed, {type(error).__name__}: {error}")
    VERDICT.parent.mkdir(exist_ok=True)
    VERDICT.write_text(verdict.to_json(), encoding="utf-8")
    VERDICT.with_suffix(".md").write_text(verdict.to_markdown(), encoding="utf-8")
    print(verdict.to_markdown(), end="")
    sys.exit(verdict.exit)
