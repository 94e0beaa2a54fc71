from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pyarrow.parquet
import pytest
from modelyard.reporting.answered import answered
from modelyard.reporting.charts import Curves, Heat
from modelyard.reporting.document import Table, to_markdown
from modelyard.reporting.evidence import gather
from modelyard.reporting.sections.decisions import confusion, decisions
from modelyard.training.layout import PREDICTIONS
from sklearn import metrics as sklearn


@pytest.fixture(params=["made", "made_multiclass"])
def classified(request):
    evidence = gather(request.getfixturevalue(request.param).root)
    return evidence, answered(evidence)


def block(sections, kind, title=None):
    blocks = [one for section in sections for one in section.blocks if isinstance(one, kind)]
    return next(one for one in blocks if title is None or one.title == title)


def test_the_matrix_and_the_metrics_of_each_class_are_scikit_learns(classified):
    evidence, found = classified
    count = len(evidence.this.contract.classes)
    counts = confusion(found.target, found.called, count)
    np.testing.assert_array_equal(counts, sklearn.confusion_matrix(found.target, found.called, labels=range(count)))
    sections = decisions(evidence, found)
    assert block(sections, Heat).counts == counts.tolist()
    table = next(one for one in sections[0].blocks if isinstance(one, Table) and one.head[0] == "class")
    told = sklearn.precision_recall_fscore_support(found.target, found.called, labels=range(count), zero_division=0)
    for place, line in enumerate(table.lines):
        assert [float(cell) if cell != "-" else 0.0 for cell in line[4:]] == pytest.approx(
            [column[place] for column in told[:3]], abs=5e-5
        )
        assert line[1] == f"{told[3][place]:,}"


def test_the_decisions_are_those_that_the_bundle_claims(made):
    evidence = gather(made.root)
    lines = next(one for one in decisions(evidence, answered(evidence))[0].blocks if isinstance(one, Table)
                 and one.head[0] == "class").lines  # fmt: skip
    holdout = evidence.this.metrics["holdout"]
    assert [float(cell) for cell in lines[1][4:6]] == pytest.approx(
        [holdout["precision"]["value"], holdout["recall"]["value"]], abs=5e-5
    )


def test_the_threshold_is_marked_on_both_curves(made):
    evidence = gather(made.root)
    found = answered(evidence)
    sections, called = decisions(evidence, found), found.called == 1
    roc, both = (block(sections, Curves, title) for title in ("ROC", "Precision and recall"))
    alarms, hits = (called[found.target == value].mean() for value in (0, 1))
    assert roc.marks["this"] == pytest.approx((alarms, hits))
    assert both.marks["this"] == pytest.approx((hits, found.target[called].mean()))
    assert roc.lines["this"][0][0] == roc.lines["this"][1][0] == 0
    assert roc.lines["this"][0][-1] == roc.lines["this"][1][-1] == 1
    area = np.trapezoid(roc.lines["this"][1], roc.lines["this"][0])
    assert area == pytest.approx(evidence.this.metrics["holdout"]["roc_auc"]["value"], abs=0.01)


def test_mains_curve_is_drawn_where_the_gate_compared(project):
    project.judge()
    evidence = project.gather()
    roc = block(decisions(evidence, answered(evidence)), Curves, "ROC")
    assert roc.legend == ["this", "main", "chance"]
    assert roc.lines["main"] == ([0, 0.5, 1], [0, 0.8, 1])
    without = block(decisions(evidence, None), Curves, "ROC")
    assert without.lines["this"] == ([0, 0.5, 1], [0, 0.7, 1])


def test_a_model_that_never_answers_yes_has_no_precision(made):
    evidence = gather(made.root)
    found = answered(evidence)
    never = dataclasses.replace(found, called=np.zeros_like(found.called))
    shown = to_markdown(decisions(evidence, never))
    assert "| `true` | " in shown
    assert "| 0 | 0 | - | 0.0000 | 0.0000 |" in shown


def test_without_the_answers_or_with_another_models_there_is_no_matrix(made, tmp_path):
    root = shutil.copytree(made.root, tmp_path / "flights")
    table = pyarrow.parquet.read_table(root / PREDICTIONS)
    changed = table.set_column(
        table.column_names.index("prediction"), "prediction", [table["prediction"].to_numpy() / 2]
    )
    pyarrow.parquet.write_table(changed, root / PREDICTIONS)
    assert answered(gather(root)) is None
    (root / PREDICTIONS).write_text("torn")
    assert answered(gather(root)) is None
    (root / PREDICTIONS).unlink()
    assert answered(gather(root)) is None
    assert decisions(gather(root), None) == []


def test_a_number_is_not_decided(made_regression):
    evidence = gather(made_regression.root)
    assert decisions(evidence, answered(evidence)) == []
