"""Judge whether a model may ship: `policy.yaml` against the challenger's bundle and the champion's.

Exit status: 0 ships, 1 blocked, 2 could not be judged, which never counts as passed.
Writes reports/verdict.json and reports/verdict.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ContractError, YardError, counted
from ..git import find_commit
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.project import Project
from ..training import layout
from ..training.metrics import PRIMARY, Decision
from ..training.review.applied import reviewed_among
from ..training.review.corrections import read_reviews
from .answers import periods_of
from .champion import LOCAL_MAIN, is_unpublished
from .champion import champion as get_champion
from .claims import judge_claims, judge_outputs
from .collect import CHAMPION, Case, collect, find_champion, read_origin
from .mains_policy import judge_by_both, mains_policy
from .pair import Pairing, pair
from .policy import POLICY, Judgement, Policy, judge_alone, policy_line
from .pure import judge_features
from .rules import (
    DECIDED,
    compare_slices,
    judge_calibration,
    judge_champion,
    judge_limits,
    judge_slices,
    same_answers,
    worst_first,
)
from .unmerged import check_merged
from .verdict import VERDICT, Ruling, Verdict, decide, judged_files
from .warned import shown_warnings

ALONE = "the rules for one model alone decide."


def gate(
    project: Project,
    champion: Bundle | None,
    challenger: Bundle,
    policy: Policy,
    root: Path = Path(),
    stated_in: Path = POLICY,
) -> Verdict:
    """The verdict on the challenger, by the data and the settings under `root`; stated_in: where the policy is.

    Raises ContractError if something needed is missing or does not fit.
    """
    case = collect(project, champion, challenger, root)
    pairing, notes = _pair_if_any(case, policy)
    notes = [*notes, *_corrected(case, root)]
    return judge(case, pairing, policy, notes, root, stated_in)


def judge(
    case: Case, pairing: Pairing | None, policy: Policy, notes: list[str], root: Path, stated_in: Path
) -> Verdict:
    """The verdict by all rules of a policy; without a pairing, by those for one model alone."""
    challenger = case.challenger
    decision = _decision(challenger, challenger)
    judgements, comparison, champion = [], None, None
    with ThreadPoolExecutor(1) as beside:  # both draw rows a thousand times, and numpy does not hold the interpreter
        claims = beside.submit(judge_claims, challenger, case.rows, case.scores, decision, case.params)
        if (
            root / layout.BUNDLE
        ).resolve() == challenger.folder.resolve():  # else it is not what the pipeline here made
            judgements.append(judge_outputs(challenger, case.rows, case.scores, root))
        judgements.append(judge_features(case.project, challenger.contract, case.blocks, len(case.scores)))
        if pairing is not None and case.champion is not None:
            champion = _describe(case.champion)
            comparison, compared = _compare(case.champion, case, pairing, policy)
            judgements += compared
        judgements.insert(0, claims.result())
    judgements += judge_alone(policy, challenger.metrics, challenger.contract)
    judgements += judge_limits(case.project, policy, challenger)
    rulings = [_ruling(judgement, root / stated_in) for judgement in judgements]
    verdict, reason = decide(rulings)
    warnings = shown_warnings(challenger.metrics, policy.warnings, challenger.contract)
    return Verdict(verdict, reason, {"bundle": challenger.digest}, champion, rulings, comparison, notes, warnings)


def _pair_if_any(case: Case, policy: Policy) -> tuple[Pairing | None, list[str]]:
    """Both models' answers, or None if there is no champion to compare with; and remarks for the reader."""
    if policy.champion.require == "none":
        return None, [f"The policy compares with no champion (`require: none`): {ALONE}"]
    if case.champion is None:
        return None, [f"There is no champion yet: {ALONE}"]
    try:
        pairing = pair(case, case.champion)
    except ContractError as error:
        if read_origin(case.champion.folder).get("committed", True):
            raise
        return None, [
            f"Main has no committed model yet, and what its code makes cannot be compared ({error}). "
            f"{ALONE.capitalize()}"
        ]
    return pairing, pairing.notes


def _corrected(case: Case, root: Path) -> list[str]:
    """A remark if people corrected labels of the holdout: each model is judged by the corrected ones."""
    contract = case.challenger.contract
    changed = [row for row in read_reviews(root, contract).rows if row.is_changed]
    count = int(reviewed_among(case.rows.table, changed, contract).sum()) if changed else 0
    if not count:
        return []
    return [
        f"{counted(count, 'label')} of the holdout corrected by people: all models are judged by the corrected ones."
    ]


def _compare(champion: Bundle, case: Case, pairing: Pairing, policy: Policy) -> tuple[dict[str, Any], list[Judgement]]:
    """The comparison as the verdict contains it, and the rules about it."""
    challenger, params, settings = case.challenger, case.params, policy.champion
    paired, rows = pairing.paired, pairing.rows
    kind, time = challenger.contract.kind, challenger.contract.time
    decisions = _decision(champion, challenger), _decision(challenger, challenger)
    if same := same_answers(paired):
        paired = dataclasses.replace(
            paired, challenger=paired.champion
        )  # else differences in the last digits would look significant
    differences = paired.metrics(decisions, settings.draws, params.seed, settings.confidence)
    metrics = worst_first(differences, kind)
    slices = compare_slices(policy, challenger.contract, rows.table, paired, params.seed)
    if settings.metric in DECIDED:
        same = same and champion.manifest["threshold"] == challenger.manifest["threshold"]
    judgements = [judge_champion(policy, kind, metrics, same)]
    if policy.slices and challenger.contract.slices:
        judgements += judge_slices(policy, kind, slices)
    if policy.calibration:
        judgements.append(judge_calibration(policy, metrics))
    comparison = {
        "rows": len(paired),
        "draws": settings.draws,
        "groups": paired.draws_from,
        "periods": np.unique(periods_of(rows, time, params)).tolist() if time else rows.periods,
        "confidence": settings.confidence,
        "metrics": {name: dataclasses.asdict(difference) for name, difference in metrics.items()},
        "slices": [
            {key: line[key] for key in ("column", "slice", "rows", "kept")}
            | {"metric": PRIMARY[kind]}
            | dataclasses.asdict(line["difference"])
            for line in slices
        ],
        "curves": paired.curves(),
    }
    return comparison, judgements


def _decision(bundle: Bundle, judged_as: Bundle) -> Decision | None:
    """The bundle's threshold, at the costs of the one that is judged."""
    if bundle.contract.kind != "binary":
        return None
    costs = judged_as.manifest["params"]["evaluate"]
    return Decision(bundle.manifest["threshold"], costs["false_positive_cost"], costs["false_negative_cost"])


def _ruling(judgement: Judgement, policy: Path) -> Ruling:
    line = policy_line(policy, judgement.key) if judgement.key else "always"
    of_main = judgement.key and policy == mains_policy(CHAMPION)
    return Ruling(judgement.rule, f"main's {line}" if of_main else line, judgement.found, judgement.kept)


def _describe(champion: Bundle) -> dict[str, Any]:
    """Which champion it was, for the verdict."""
    origin = read_origin(champion.folder).get("from", champion.folder.as_posix())
    return {"bundle": champion.digest, "from": origin}


def _champion(project: Project, folder: Path) -> Bundle | None:
    """The champion in a folder; where main is only here, `champion/` is brought up to date with it before.

    What a person put there, or got from another commit, stays.
    """
    if folder == CHAMPION and is_unpublished():
        origin = read_origin(folder)
        is_there = bool(origin) or folder.is_dir()
        ours = origin.get("ref") == LOCAL_MAIN and "failed" not in origin
        if not is_there or (ours and origin["commit"] != find_commit(Path(), f"refs/heads/{LOCAL_MAIN}")):
            print(f"champion: {get_champion(project)}", file=sys.stderr)
    return find_champion(folder)


def _verdict(project: Project, options: argparse.Namespace) -> Verdict:
    """The verdict by the policy here and, if it differs, by main's."""
    folder = options.champion

    def judged(policy: Policy, stated_in: Path) -> Verdict:
        alone = options.no_champion or policy.champion.require == "none"
        champion = None if alone else _champion(project, folder)
        return gate(project, champion, read_bundle(options.challenger), policy, stated_in=stated_in)

    only_here = options.no_champion or options.own_policy or folder != CHAMPION
    return judge_by_both(judged, None if only_here else mains_policy(folder))


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `gate`."""
    parser = argparse.ArgumentParser(
        prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("champion", nargs="?", type=Path, default=CHAMPION, help=f"its bundle ({CHAMPION})")
    parser.add_argument("challenger", nargs="?", type=Path, default=layout.BUNDLE, help=f"its bundle ({layout.BUNDLE})")
    parser.add_argument("--no-champion", action="store_true", help="there is none yet")
    parser.add_argument("--own-policy", action="store_true", help="main's does not judge too: this commit is on main")
    options = parser.parse_args(arguments)
    VERDICT.unlink(missing_ok=True)
    try:
        check_merged()
        verdict = _verdict(project, options)
    except YardError as error:
        verdict = Verdict("unjudged", str(error))
    except Exception as error:  # a bug must not end with status 1, which means that the model is blocked
        traceback.print_exc()
        verdict = Verdict("unjudged", f"the gate itself failed, {type(error).__name__}: {error}")
    verdict = dataclasses.replace(verdict, of=judged_files(options.challenger, POLICY))
    VERDICT.parent.mkdir(exist_ok=True)
    VERDICT.write_text(verdict.to_json(), encoding="utf-8")
    VERDICT.with_suffix(".md").write_text(verdict.to_markdown(), encoding="utf-8")
    print(verdict.to_markdown(), end="")
    sys.exit(verdict.exit)
