from __future__ import annotations

import pytest
from modelyard.reporting.charts import Bars, Curves
from modelyard.reporting.document import to_markdown
from modelyard.reporting.evidence import gather
from modelyard.reporting.sections.curves import curves


def charts(project) -> dict[str, object]:
    return {section.blocks[0].title: section.blocks[0] for section in curves(project.gather())}


def test_calibration_is_of_both_models(project):
    project.judge()
    drawn = charts(project)
    assert list(drawn) == ["Calibration", "Importance"]
    assert isinstance(drawn["Calibration"], Curves)
    assert drawn["Calibration"].legend == ["this", "main", "perfect"]


def test_a_model_alone_has_its_own_calibration(alone):
    assert charts(alone)["Calibration"].legend == ["this", "perfect"]


@pytest.mark.parametrize("workspace", ["made", "made_regression", "made_multiclass"])
def test_every_kind_of_task_has_its_curves_in_mermaid(workspace, request):
    shown = to_markdown(curves(gather(request.getfixturevalue(workspace).root)))
    assert shown.count("```mermaid") == 2
    assert shown.count("<details>") == shown.count("</details>") == 2


def test_another_holdout_of_main_in_days_is_told(project):
    def change(manifest: dict) -> None:
        manifest["training"]["holdout_days"] = ["2013-12-25", "2013-12-31"]

    project.rewrite(project.main / "manifest.json", change)
    assert "Main's is on its own holdout, `2013-12-25 to 2013-12-31`." in to_markdown(curves(project.gather()))


def test_another_holdout_of_main_is_told(project):
    def change(manifest: dict) -> None:
        manifest["training"]["holdout_periods"] = ["2013-09"]

    project.rewrite(project.main / "manifest.json", change)
    assert "Main's is on its own holdout, `2013-09`." in to_markdown(curves(project.gather()))


def test_each_input_is_shown_with_its_importance_beside_mains(project):
    evidence = project.gather()
    shown = to_markdown(curves(evidence)[-1:])
    assert "| input | main | this | std |" in shown
    for name in evidence.this.contract.inputs:
        assert f"| `{name}` | " in shown
    bars = charts(project)["Importance"]
    assert isinstance(bars, Bars)
    assert len(bars.main) == len(bars.names)


def test_an_input_that_main_does_not_have_has_a_dash(project):
    path = project.main / "importance.csv"
    project.replace(path, path.read_text().replace("carrier,", "other,"))
    shown = to_markdown(curves(project.gather()))
    assert "| `carrier` | - | " in shown


def test_files_without_lines_are_drawn_by_nothing(alone):
    for name in ("importance.csv", "calibration.csv"):
        alone.replace(alone.bundle / name, "")
    assert curves(alone.gather()) == []


def test_an_undefined_roc_curve_is_not_drawn(project):
    verdict = project.judge()
    nothing = {"roc": {"x": [0, 0.5, 1], "champion": [], "challenger": []}}
    project.judge(comparison=verdict["comparison"] | {"curves": nothing})
    assert "ROC" not in charts(project)
