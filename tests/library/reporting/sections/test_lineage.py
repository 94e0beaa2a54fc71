from __future__ import annotations

import json
import shutil

from modelyard.reporting.document import to_markdown
from modelyard.reporting.sections.headline import headline
from modelyard.reporting.sections.lineage import lineage


def text(project) -> str:
    return to_markdown([lineage(project.gather())])


def test_where_both_models_come_from_is_shown(project):
    evidence = project.gather()
    shown = text(project)
    rows = sum(entry["rows"] for entry in evidence.this.manifest["data"]["periods"].values())
    data = f"{rows:,} rows, 2013-01 to 2013-12"
    assert f"| data | {data} | {data} |" in shown
    assert "| made because of | by hand | by hand |" in shown
    trained = [one.manifest["training"] for one in (evidence.main, evidence.this)]
    cells = [f"{one['rows']:,} rows, {one['first_period']} to {one['last_period']}" for one in trained]
    assert f"| trained on | {cells[0]} | {cells[1]} |" in shown
    assert "| judged on | 2013-11, 2013-12 | 2013-11, 2013-12 |" in shown
    start, first = trained[1]["first_period"], trained[1]["first_fit"]["rows"]
    assert f"Fitted on {trained[1]['rows']:,} rows of {start} to 2013-10, those for validation included. " in shown
    assert f"A first fit, on {first:,} rows of {start} to 2013-08, was made without these" in shown
    assert f"`{evidence.this.digest[:12]}`, " in shown
    assert f"`{evidence.main.digest[:12]}`, " in shown


def test_days_that_were_held_out_are_shown_as_days(alone):
    def change(manifest: dict) -> None:
        manifest["training"] |= {"validation_days": ["2013-12-18", "2013-12-24"], "last_period": "2013-12-17"}
        manifest["training"] |= {"holdout_days": ["2013-12-25", "2013-12-31"]}

    alone.rewrite(alone.bundle / "manifest.json", change)
    shown = text(alone)
    assert "rows, 2013-01 to 2013-12-17 |" in shown
    assert "| threshold chosen on | 2013-12-18 to 2013-12-24 |" in shown
    assert "| judged on | 2013-12-25 to 2013-12-31 |" in shown
    assert " holdout rows of 2013-12-25 to 2013-12-31." in to_markdown(headline(alone.gather()))


def test_sizes_are_of_all_files(alone):
    size = sum(path.stat().st_size for path in alone.bundle.iterdir())
    model = (alone.bundle / "model.onnx").stat().st_size
    assert f", {size / 1e6:.2f} MB |" in text(alone)
    assert f", {model / 1e6:.2f} MB |" in text(alone)


def test_which_model_is_mains_is_told(project):
    project.judge()
    assert "Main's model is that of main at 1a2b3c4, from the DVC cache." in text(project)


def test_the_cost_of_the_stages_that_ran_is_shown_with_its_sum(alone):
    folder = alone.root / "reports/cost"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for stage, seconds, peak in (("train", 8.1, 512.0), ("ingest", 2.0, 1300.0)):
        (folder / f"{stage}.json").write_text(json.dumps({"seconds": seconds, "peak_mb": peak}))
    shown = text(alone)
    lines = ["| `ingest` | 2.0 s | 1,300 MB |", "| `train` | 8.1 s | 512 MB |", "| all | 10.1 s | 1,300 MB |"]
    assert "\n".join(lines) in shown


def test_where_no_stage_ran_no_cost_is_shown(alone):
    shutil.rmtree(alone.root / "reports/cost", ignore_errors=True)
    assert "peak memory" not in text(alone)


def test_data_without_time_has_no_periods(alone):
    def change(manifest: dict) -> None:
        manifest["data"]["periods"] = {"all": {"rows": 5, "sha256": "x"}}

    alone.rewrite(alone.bundle / "manifest.json", change)
    assert "| data | 5 rows |" in text(alone)
