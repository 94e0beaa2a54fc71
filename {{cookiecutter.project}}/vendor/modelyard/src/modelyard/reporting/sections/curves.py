"""Calibration, ROC and what the model looks at: drawn in the comment by Mermaid, on the page as plots."""

from __future__ import annotations

from collections.abc import Mapping

from ...training import layout
from ..charts import MAIN, THIS, Bars, Curves, Points, points
from ..document import Section, Table
from ..evidence import Evidence, lines
from ...markdown import code, number

KINDS = {
    "binary": "Calibration: how often it happened against how often it was predicted",
    "multiclass": "Calibration: how often the likeliest class was right against how sure the model was",
    "regression": "Calibration: what happened against what was predicted",
}


def curves(evidence: Evidence) -> list[Section]:
    """A folded section for each of the curves that there are, and one for the importance of inputs."""
    found = [_calibration(evidence), _roc(evidence), _importance(evidence)]
    return [section for section in found if section]


def _calibration(evidence: Evidence) -> Section | None:
    both = {THIS: evidence.this, **({MAIN: evidence.main} if evidence.main else {})}
    drawn: dict[str, Points] = {}
    for name, bundle in both.items():
        held = lines(bundle, layout.CALIBRATION)
        line = points([one["predicted"] for one in held], [one["observed"] for one in held])
        if len(line[0]) > 1:
            drawn[name] = line
    if THIS not in drawn:
        return None
    chart = Curves("Calibration", "predicted (mean of a tenth of the rows)", "observed", drawn, diagonal=True)
    return Section(KINDS[evidence.this.contract.kind], [chart, *_other_holdout(evidence)], folded=True)


def _other_holdout(evidence: Evidence) -> list[str]:
    if evidence.main is None:
        return []
    there, here = (one.manifest["training"]["holdout_periods"] for one in (evidence.main, evidence.this))
    return [] if there == here else [f"Main's is on its own holdout, {', '.join(map(code, there[:3]))}."]


def _roc(evidence: Evidence) -> Section | None:
    roc = ((evidence.comparison or {}).get("curves") or {}).get("roc")
    if not roc:
        return None
    named: Mapping[str, list[float]] = {THIS: roc["challenger"], MAIN: roc["champion"]}
    drawn = {name: points(roc["x"], ys) for name, ys in named.items() if len(ys) == len(roc["x"])}
    if THIS not in drawn:
        return None
    chart = Curves("ROC", "false positives, of all negatives", "true positives, of all positives", drawn, diagonal=True)
    return Section("ROC curve", [chart], folded=True)


def _importance(evidence: Evidence) -> Section | None:
    ranked = lines(evidence.this, layout.IMPORTANCE)
    if not ranked:
        return None
    main = {one["input"]: one["loss"] for one in lines(evidence.main, layout.IMPORTANCE)} if evidence.main else {}
    values, errors = ([float(one[key]) for one in ranked] for key in ("loss", "std"))
    chart = Bars(
        "Importance",
        f"{evidence.primary} lost when shuffled",
        [one["input"] for one in ranked],
        values,
        errors,
        [float(main[one["input"]]) if one["input"] in main else None for one in ranked] if main else (),
    )
    table = Table(
        ["input", *([MAIN, THIS] if main else ["loss when shuffled"]), "std"],
        [
            [code(name), *([number(main.get(name))] if main else []), number(one["loss"]), number(one["std"])]
            for name, one in ((one["input"], one) for one in ranked)
        ],
    )
    return Section("Importance: what the model looks at", [chart, table], folded=True)
