"""The metrics and the slices: main's, this model's, and the difference with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...markdown import code, interval, number
from ...training import layout
from ...training.metrics import HIGHER_IS_BETTER
from ..charts import Intervals
from ..document import Section, Table
from ..evidence import Evidence, lines
from .standing import difference, sign, standing


def metrics(evidence: Evidence) -> Section:
    """Each metric, the primary one first, and the class that they are about."""
    return Section("Metrics", [metrics_table(evidence), *positive_class(evidence)])


def positive_class(evidence: Evidence) -> list[str]:
    """If there are two classes, the one that precision, recall and the costs are about."""
    contract, params = evidence.this.contract, evidence.this.manifest["params"]["evaluate"]
    if contract.kind != "binary":
        return []
    negative, positive = (code(str(value).lower() if isinstance(value, bool) else value) for value in contract.classes)
    missed, false = params["false_negative_cost"], params["false_positive_cost"]
    return [
        f"The positive class of {code(contract.target)} is {positive}: a missed one costs {missed:g}, "
        f"a {negative} taken for one {false:g}."
    ]


def metrics_table(evidence: Evidence) -> Table:
    """The metrics beside main's on the same rows if the gate compared them, else beside the baseline's."""
    if evidence.comparison:
        measured = _primary_first(evidence.comparison["metrics"], evidence.primary)
        return Table(
            ["metric", "main", "this", "difference (interval)", ""],
            [
                [name, number(metric["champion"]), number(metric["challenger"]), difference(metric), sign(metric)]
                for name, metric in measured.items()
            ],
        )
    measured, baseline = evidence.this.metrics["holdout"], evidence.this.metrics["baseline"]
    main = evidence.main.metrics["holdout"] if evidence.main else None
    return Table(
        ["metric", "value", "95 % from", "to", "baseline", *(["main, on its own holdout"] if main else [])],
        [
            [
                name,
                *(number(metric[end]) for end in ("value", "low", "high")),
                number(baseline.get(name)),
                *([number(main.get(name, {}).get("value"))] if main else []),
            ]
            for name, metric in _primary_first(measured, evidence.primary).items()
        ],
    )


def slices(evidence: Evidence) -> Section:
    """The primary metric in each slice: those that break a rule first, then by how much worse they are."""
    name = evidence.primary
    if evidence.comparison is None:
        return _slices_alone(evidence)
    compared = evidence.comparison["slices"]
    if not compared:
        return Section("Slices", ["No slice has enough rows."])
    higher = HIGHER_IS_BETTER[name]
    ranked = sorted(compared, key=lambda line: _worse_by(line, higher))
    words = [standing({**line, "higher_is_better": higher}) for line in compared]
    counts = ", ".join(f"{words.count(word):,} {word}" for word in ("worse", "same", "better") if word in words)
    table = Table(
        ["slice", "rows", f"{name}, main", "this", "difference (interval)", ""],
        [
            [
                code(f"{line['column']} = {line['slice']}"),
                f"{line['rows']:,}",
                number(line["champion"]),
                number(line["challenger"]),
                difference(line),
                "❌ worse" if line["kept"] is False else sign({**line, "higher_is_better": higher}),
            ]
            for line in ranked
        ],
    )
    drawn = [line for line in ranked if None not in (line["difference"], line["low"], line["high"])]
    chart = Intervals(
        f"Slices: difference in {name}",
        f"{name}, this less main",
        [f"{line['column']} = {line['slice']}" for line in drawn],
        [line["difference"] for line in drawn],
        [line["low"] for line in drawn],
        [line["high"] for line in drawn],
        [line["kept"] for line in drawn],
    )
    return Section(f"Slices: {counts or 'undefined'}", [table, chart], folded=True)


def _slices_alone(evidence: Evidence) -> Section:
    name = evidence.primary
    measured = [line for line in lines(evidence.this, layout.SLICES) if line["metric"] == name]
    if not measured:
        return Section("Slices", ["No slice has enough rows."])
    sense = 1 if HIGHER_IS_BETTER[name] else -1
    ranked = sorted(measured, key=lambda line: (not line["value"], sense * float(line["value"] or 0)))
    table = Table(
        ["slice", "rows", name, "95 %"],
        [
            [
                code(f"{line['column']} = {line['slice']}"),
                f"{int(line['rows']):,}",
                number(line["value"]),
                interval(line["low"], line["high"]),
            ]
            for line in ranked
        ],
    )
    return Section(f"Slices: {len(measured)}, the worst first", [table], folded=True)


def _worse_by(line: Mapping[str, Any], higher_is_better: bool) -> tuple[int, float]:
    """A sort key: broken rules first, then by how much worse, undefined ones last."""
    if line["difference"] is None:
        return 2, 0.0
    worse = -line["difference"] if higher_is_better else line["difference"]
    return int(line["kept"] is not False), -worse


def _primary_first(by_metric: Mapping[str, Any], primary: str) -> dict[str, Any]:
    return {name: by_metric[name] for name in sorted(by_metric, key=lambda name: name != primary)}
