from __future__ import annotations

import dataclasses

import pytest
from modelyard.reporting.charts import Intervals
from modelyard.reporting.document import to_markdown
from modelyard.reporting.evidence import gather
from modelyard.reporting.sections.scores import metrics, metrics_table, positive_class, slices
from modelyard.runtime.contract import Column


def test_each_metric_is_beside_mains_with_the_difference_and_the_primary_one_first(project):
    found = project.judge(half=0.001)["comparison"]["metrics"]
    lines = metrics_table(project.gather()).markdown().splitlines()
    assert len(lines) == 2 + len(found)
    assert lines[2].startswith("| log_loss | ")
    for name, one in found.items():
        by = f"{one['difference']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f})"
        shown = f"| {name} | {one['champion']:.4f} | {one['challenger']:.4f} | {by} | "
        assert any(line.startswith(shown) for line in lines)


def test_an_undefined_number_is_a_dash(project):
    verdict = project.judge()
    verdict["comparison"]["metrics"]["recall"] |= dict.fromkeys(("champion", "challenger", "difference", "low", "high"))
    project.judge(comparison=verdict["comparison"])
    assert "| recall | - | - | - | - |" in metrics_table(project.gather()).markdown()


@pytest.mark.parametrize("workspace", ["made", "made_regression", "made_multiclass"])
def test_a_model_alone_is_beside_the_baseline(workspace, request):
    evidence = gather(request.getfixturevalue(workspace).root)
    shown = to_markdown([metrics(evidence)])
    held, baseline = evidence.this.metrics["holdout"], evidence.this.metrics["baseline"]
    assert len(held) >= 4
    for name, one in held.items():
        numbers = [f"{one[end]:.4f}" for end in ("value", "low", "high")]
        base = "-" if baseline[name] is None else f"{baseline[name]:.4f}"
        assert f"| {name} | {' | '.join(numbers)} | {base} |" in shown


def test_the_positive_class_is_named_with_what_its_errors_cost(project):
    told = "The positive class of `late` is `true`: a missed one costs 4, a `false` taken for one 1."
    assert told in to_markdown([metrics(project.gather())])


@pytest.mark.parametrize(
    ("values", "told"), [(["fraud", "ok"], ["is `ok`: a missed one costs 4, a `fraud`"]), (["a", "b", "c"], [])]
)
def test_the_positive_class_is_the_last_of_two(project, values, told):
    evidence = project.gather()
    target = Column("string", "target", "", values=values)
    contract = dataclasses.replace(evidence.this.contract, columns=evidence.this.contract.columns | {"late": target})
    named = positive_class(dataclasses.replace(evidence, this=dataclasses.replace(evidence.this, contract=contract)))
    assert len(named) == len(told)
    assert all(part in line for part, line in zip(told, named, strict=True))


def test_a_champion_that_was_not_compared_is_shown_on_its_own_holdout(project):
    shown = metrics_table(project.gather()).markdown()
    assert shown.splitlines()[0].endswith("| baseline | main, on its own holdout |")
    value = project.metrics(project.main)["roc_auc"]
    assert any(line.startswith("| roc_auc |") and line.endswith(f"| {value:.4f} |") for line in shown.splitlines())


def test_slices_that_break_their_rule_come_first_and_are_marked(project):
    project.judge()
    section = slices(project.gather())
    table = section.blocks[0].markdown().splitlines()
    assert section.title == "Slices: 1 worse, 1 same, 1 better"
    assert section.folded
    assert [line.split("`")[1] for line in table[2:]] == ["origin = JFK", "origin = LGA", "origin = EWR"]
    assert [line.split(" | ")[-1].removesuffix(" |") for line in table[2:]] == ["❌ worse", "⚪ same", "🟢 better"]


def test_slices_are_drawn_with_their_intervals(project):
    project.judge()
    chart = slices(project.gather()).blocks[1]
    assert isinstance(chart, Intervals)
    assert list(zip(chart.names, chart.kept, strict=True)) == [
        ("origin = JFK", False),
        ("origin = LGA", True),
        ("origin = EWR", True),
    ]


def test_an_undefined_slice_comes_last_and_is_not_drawn(project):
    verdict = project.judge()
    verdict["comparison"]["slices"][1].update(difference=None, low=None, high=None, challenger=None, kept=None)
    project.judge(comparison=verdict["comparison"])
    table, chart = slices(project.gather()).blocks
    assert table.markdown().splitlines()[-1] == "| `origin = JFK` | 900 | 0.5000 | - | - | - |"
    assert len(chart.names) == 2


def test_many_slices_are_cut(project):
    verdict = project.judge()
    (one, *_) = verdict["comparison"]["slices"]
    verdict["comparison"]["slices"] = [{**one, "slice": f"A{number}"} for number in range(500)]
    project.judge(comparison=verdict["comparison"])
    shown = to_markdown([slices(project.gather())])
    assert shown.count("`origin = A") == 15
    assert "485 more are in `report.html`" in shown


def test_the_slices_of_a_model_alone_have_the_worst_first(alone):
    section = slices(alone.gather())
    values = [float(line.split(" | ")[2]) for line in section.blocks[0].markdown(whole=True).splitlines()[2:]]
    assert len(values) > 3
    assert values == sorted(values, reverse=True)


def test_where_no_slice_has_enough_rows_that_is_said(project):
    project.replace(project.bundle / "slices.csv", "column,slice,rows,metric,value,low,high\n")
    assert slices(project.gather()).blocks == ["No slice has enough rows."]
    verdict = project.judge()
    project.judge(comparison=verdict["comparison"] | {"slices": []})
    assert slices(project.gather()).blocks == ["No slice has enough rows."]
