"""The items about infrastructure: whether the model can be made again, tested, held back and taken back."""

from __future__ import annotations

from ..judging.verdict import VERDICT, judged_files
from ..proving.outdated import torn
from ..training.layout import BUNDLE
from .evidence import PracticeEvidence, objects
from .found import Lack, Part, Trace, best
from .reports import STAGES

PROVEN = {"identical", "equivalent"}


def reproducible(found: PracticeEvidence) -> list[Part]:
    """The same source gives the same model again."""
    alternatives: list[Part] = []
    for files, proof in objects(found, "prove.json"):
        verdict, commit = proof.get("verdict"), str(proof.get("commit") or "")
        said = (
            f"{commit[:7]} was retrained from its source: {verdict}, {str(proof.get('reason')).partition(chr(10))[0]}"
        )
        if not files.where and commit != found.pipeline.head:
            lacking = f"reports/prove.json is of {commit[:7] or 'no commit'}, not of HEAD"
            alternatives.append(Lack(lacking, "make prove"))
        elif verdict in PROVEN:
            alternatives.append(files.trace("prove.json", said))
        elif not any(isinstance(one, Trace) for one in alternatives):  # else it is of an older commit
            return [Lack(said, "make prove")]
    nothing = Lack("no proof of the commit here, or of a version, is known", "make prove")
    return [best(*alternatives, nothing, found.releases.proof())]


def model_code(found: PracticeEvidence) -> list[Part]:
    """The code that makes a model is tested without training on all data."""
    names = "check_export", "check_reproducible"
    return [found.check("each estimator is fitted and exported, twice to the same bytes", *names)]


def integrated(found: PracticeEvidence) -> list[Part]:
    """All steps run one after the other, from the source to a service that answers."""
    pipeline, lock = found.pipeline, found.pipeline.lock
    whole: Part = Lack("dvc.lock here does not have all stages up to the bundle", "make pipeline")
    if all(stage in lock.stages for stage in STAGES) and BUNDLE.as_posix() in lock.outs:
        if broken := torn(lock):
            whole = Lack(
                f"a stage read another version than the stage before wrote: {broken[0].where}", "make pipeline"
            )
        else:
            what = f"{' > '.join(STAGES)} ran, each on what the one before wrote"
            whole = pipeline.of_lock(what)
    return [whole, found.check("the service of the bundle answers its probes", "check_answers")]


def validated(found: PracticeEvidence) -> list[Part]:
    """A model is judged before it may serve."""
    alternatives: list[Part] = []
    now = judged_files(found.root / BUNDLE, found.root / "policy.yaml")
    for files, verdict in objects(found, "verdict.json"):
        word = verdict.get("verdict")
        if not files.where and verdict.get("of") != now:
            alternatives.append(Lack(f"{VERDICT} is of another model or policy than the ones here", "make gate"))
        elif word in ("ships", "blocked"):
            said = (
                f"the gate judged a model by {len(verdict.get('rules') or ())} rules: {word}, {verdict.get('reason')}"
            )
            alternatives.append(files.trace("verdict.json", said))
        else:
            alternatives.append(Lack(f"the gate could not judge: {verdict.get('reason')}", "make gate"))
    nothing = Lack("no verdict of the gate on the model here, or on a version, is known", "make gate")
    return [best(*alternatives, nothing, found.releases.gate())]


def debuggable(found: PracticeEvidence) -> list[Part]:
    """One answer can be followed from its row to its score."""
    return [found.check("single rows are answered again, with each number that leads there", "check_predictor")]


def canary(found: PracticeEvidence) -> list[Part]:
    """A new version is tried on a part of the requests before it gets all."""
    return [found.releases.canary()]


def rollback(found: PracticeEvidence) -> list[Part]:
    """What served before can serve again."""
    return [found.releases.rollback()]
