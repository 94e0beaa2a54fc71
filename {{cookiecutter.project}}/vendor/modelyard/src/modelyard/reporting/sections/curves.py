"""Calibration and importance of inputs: drawn by Mermaid in the comment, as plots on the page."""

from __future__ import annotations

from ...markdown import code, number
from ...training import layout
from ...training.data.parts import shown
from ..charts import MAIN, THIS, Bars, Curves, Points, points
from ..document import Section, Table
from ..evidence import Evidence, lines

KINDS = {
    "binary": "Calibration: how often it happened against how often it was predicted",
    "multiclass": "Calibration: how often the likeliest class was right against how sure the model was",
    "regression": "Calibration: what happened against what was predicted",
}


def curves(evidence: Evidence) -> list[Section]:
    """A folded section for each available curve, and one for the importance of inputs."""
    sections = [_calibration(evidence), _importance(evidence)]
    return [section for section in sections if section]


def _calibration(evidence: Evidence) -> Section | None:
    both = {THIS: evidence.this, **({MAIN: evidence.main} if evidence.main else {})}
    drawn: dict[str, Points] = {}
    for name, bundle in both.items():
        bins = lines(bundle, layout.CALIBRATION)
        line = points([row["predicted"] for row in bins], [row["observed"] for row in bins])
        if len(line[0]) > 1:
            drawn[name] = line
    if THIS not in drawn:
        return None
    chart = Curves("Calibration", "predicted (mean of a tenth of the rows)", "observed", drawn, diagonal=True)
    return Section(KINDS[evidence.this.contract.kind], [chart, *_other_holdout(evidence)], folded=True)


def _other_holdout(evidence: Evidence) -> list[str]:
    if evidence.main is None:
        return []
    main_periods, this_periods = (
        shown(bundle.manifest["training"], "holdout") for bundle in (evidence.main, evidence.this)
    )
    return (
        []
        if main_periods == this_periods
        else [f"Main's is on its own holdout, {', '.join(map(code, main_periods[:3]))}."]
    )


def _importance(evidence: Evidence) -> Section | None:
    ranked = lines(evidence.this, layout.IMPORTANCE)
    if not ranked:
        return None
    main = {row["input"]: row["loss"] for row in lines(evidence.main, layout.IMPORTANCE)} if evidence.main else {}
    values, errors = ([float(row[key]) for row in ranked] for key in ("loss", "std"))
    chart = Bars(
        "Importance",
        f"{evidence.primary} lost when shuffled",
        [row["input"] for row in ranked],
        values,
        errors,
        [float(main[row["input"]]) if row["input"] in main else None for row in ranked] if main else (),
    )
    table = Table(
        ["input", *([MAIN, THIS] if main else ["loss when shuffled"]), "std"],
        [
            [code(name), *([number(main.get(name))] if main else []), number(row["loss"]), number(row["std"])]
            for name, row in ((row["input"], row) for row in ranked)
        ],
    )
    return Section("Importance: what the model looks at", [chart, table], folded=True)
