"""What a generated project promises, tried in one of each task as its user would."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from library.library_versions import vendor

from projects import BIN, Project, run

STAGES = ("ingest", "train", "evaluate", "bundle")
# For what goes the same way whatever the task is
ONE_TASK = pytest.mark.parametrize(
    "project", [pytest.param("classification", marks=pytest.mark.xdist_group("classification"))], indirect=True
)

SMALL = pytest.mark.xdist_group("classification")  # with the others that have this project


def stages_run(printed: str) -> list[str]:
    """The stages that `dvc repro` said it ran."""
    return re.findall(r"Running stage '(\w+)'", printed)


def hashes(folder: Path) -> dict[str, str]:
    """The hash of each file of a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def install_wheel(project: Project, folder: Path) -> Path:
    """An environment with nothing in it but the project's wheel."""
    project.run("make", "wheel")
    (wheel,) = (project.root / "dist").glob("*.whl")
    run([BIN / "uv", "venv", "--quiet", folder], folder.parent)
    run([BIN / "uv", "pip", "install", "--quiet", "--python", folder / "bin/python", wheel], folder.parent)
    return folder


def set_param(project: Project, old: str, new: str) -> None:
    """Change params.yaml as a person would."""
    path = project.root / "params.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_after_the_pipeline_all_is_committed_and_up_to_date(project: Project) -> None:
    assert project.git("status", "--porcelain") == ""
    assert "up to date" in project.run("dvc", "status")


def test_all_flights_of_the_year_were_taken(project: Project) -> None:
    ledger = json.loads((project.root / "data/ledger.json").read_text())
    assert sum(entry["rows"] for entry in ledger["periods"].values()) == 336_776


def test_lint_and_types_are_clean(project: Project) -> None:
    printed = project.run("make", "lint")
    assert "All checks passed!" in printed
    assert "Success: no issues found" in printed


def test_a_synced_environment_stays_as_it_is(project: Project) -> None:
    printed = project.run("uv", "sync", "--locked")
    assert not re.search(r"Installed|Uninstalled|Prepared", printed), printed
    assert project.git("status", "--porcelain") == ""


def test_a_second_run_runs_nothing(project: Project) -> None:
    printed = project.run("dvc", "repro")
    assert stages_run(printed) == []
    assert "up to date" in printed


def test_a_forced_run_gives_the_same_bytes_file_by_file(clone: Project) -> None:
    before = hashes(clone.root / "bundle")
    assert stages_run(clone.run("dvc", "repro", "--force", "--no-run-cache")) == list(STAGES)
    assert hashes(clone.root / "bundle") == before
    assert clone.git("status", "--porcelain") == ""


@ONE_TASK
def test_a_change_of_cost_runs_only_what_depends_on_it(clone: Project) -> None:
    set_param(clone, "false_negative_cost: 3", "false_negative_cost: 5")
    assert stages_run(clone.run("dvc", "repro")) == ["evaluate", "bundle"]


@ONE_TASK
def test_settings_of_an_estimator_not_in_use_leave_the_bundle_as_it_is(clone: Project) -> None:
    before = hashes(clone.root / "bundle")
    set_param(clone, "n_estimators: 100", "n_estimators: 50")
    clone.run("dvc", "repro")
    assert hashes(clone.root / "bundle") == before


@ONE_TASK
def test_moving_the_watermark_is_how_data_enters(clone: Project) -> None:
    set_param(clone, 'watermark: "2013-12"', 'watermark: "2013-11"')
    clone.run("dvc", "repro", "ingest")
    assert sorted(path.stem for path in (clone.root / "data/periods").iterdir())[-1] == "2013-11"
    set_param(clone, 'watermark: "2013-11"', 'watermark: "2013-12"')
    assert "in all: 12 (336,776 rows)" in clone.run("dvc", "repro", "--no-run-cache", "ingest")
    assert clone.git("diff", "--stat", "--", "data") == ""
    assert "up to date" in clone.run("dvc", "status")


@ONE_TASK
def test_an_upgrade_of_the_library_runs_only_the_stages_whose_code_changed(clone: Project) -> None:
    vendor(clone.root, "reporting/page.py", "import annotations", "import annotations  # newer")
    assert "up to date" in clone.run("dvc", "status")
    vendor(clone.root, "training/metrics.py", "import annotations", "import annotations  # newer")
    # the manifest names the code of all stages
    assert re.findall(r"^(\w+):$", clone.run("dvc", "status"), re.MULTILINE) == ["evaluate", "bundle"]


@ONE_TASK
def test_make_refuses_another_library_than_the_locked_one_however_old_its_file_is(clone: Project) -> None:
    (wheel,) = clone.root.glob("vendor/*.whl")
    content = wheel.read_bytes()
    second = wheel.with_name("modelyard-0.9.0-py3-none-any.whl")
    second.write_bytes(content)
    assert f"vendor/ holds {second.name} and {wheel.name}" in clone.run("make", "report", ok=False)
    second.unlink()
    wheel.write_bytes(content.replace(b"Machinery", b"machinery", 1))
    os.utime(wheel, (0, 0))
    assert "is not the wheel whose hash is in uv.lock" in clone.run("make", "setup", ok=False)


@SMALL
def test_an_experiment_apart_runs_its_own_code_and_is_compared(small_clone: Project) -> None:
    clone = small_clone
    model = clone.package / "model.py"
    built = "    return kind(**fixed, **settings)\n"
    assert built in model.read_text()
    model.write_text(model.read_text().replace(built, f'    print("refitting")\n{built}'))
    setting = "model.gradient_boosting.max_iter=10"
    assert "refitting" in clone.run("dvc", "exp", "run", "--temp", "-S", setting, "--name", "code")
    head, _, *lines = [line for line in clone.run("make", "compare").splitlines() if line.startswith("|")]
    assert head.startswith("|  | log_loss | ")
    assert "gradient_boosting.max_iter" in head
    (line,) = [line for line in lines if line.startswith("| `code` | 0.")]
    assert "| 10 " in line


@SMALL
def test_tuning_goes_on_where_it_stopped_and_gives_a_change_to_commit(small_clone: Project) -> None:
    clone = small_clone
    set_param(clone, "max_iter: 30", "max_iter: 5")
    clone.run("dvc", "repro", "train")
    first = clone.run("make", "tune", "TRIALS=4", "JOBS=2")
    assert "4 trials" in first
    assert "learning_rate" in clone.git("diff", "--", "params.yaml")
    assert "8 trials" in clone.run("make", "tune", "TRIALS=8", "JOBS=1")
    assert len(list((clone.root / "tuning").glob("*.journal"))) == 1
    listed = [line for line in clone.run("make", "compare").splitlines() if line.startswith("| `trial ")]
    assert len(listed) == 8
    values = [float(line.split("|")[2]) for line in listed]
    assert values == sorted(values)


def test_the_wheel_answers_in_an_empty_environment_as_the_pipeline_does(clone: Project, tmp_path: Path) -> None:
    empty = install_wheel(clone, tmp_path / "empty")
    probe = json.loads((clone.root / "bundle/probe.json").read_text())
    (tmp_path / "rows.json").write_text(json.dumps(probe["rows"]))
    printed = run([empty / "bin/flight-delays", "predict", "rows.json"], tmp_path)
    assert [json.loads(line)["prediction"] for line in printed.splitlines()] == probe["answers"]
    missing = "import importlib.util as u; print([n for n in ('pandas', 'sklearn', 'pyarrow') if u.find_spec(n)])"
    assert run([empty / "bin/python", "-c", missing], tmp_path).strip() == "[]"


@ONE_TASK
def test_the_wheel_says_which_extra_a_verb_needs(clone: Project, tmp_path: Path) -> None:
    empty = install_wheel(clone, tmp_path / "empty")
    printed = run([empty / "bin/flight-delays", "train"], tmp_path, ok=False)
    assert "Traceback" not in printed
    assert "[train]" in printed


def test_the_report_shows_each_metric_with_its_interval(project: Project) -> None:
    printed = project.run("make", "report")
    metrics = json.loads((project.root / "evaluation/metrics.json").read_text())["holdout"]
    for name, found in metrics.items():
        assert f"| {name} | {found['value']:.4f} | {found['low']:.4f} | {found['high']:.4f} |" in printed
    assert "reports/report.html" in printed


def test_the_model_beats_the_baseline_on_the_holdout(project: Project) -> None:
    metrics = json.loads((project.root / "evaluation/metrics.json").read_text())
    assert 0 < metrics["gain"]["low"] < metrics["gain"]["value"] < metrics["gain"]["high"]


def test_hugging_face_reads_the_card_with_the_numbers_of_the_evaluation(project: Project) -> None:
    card = ModelCard.load(project.root / "bundle/README.md")
    metrics = json.loads((project.root / "bundle/metrics.json").read_text())["holdout"]
    assert {result.metric_type: result.metric_value for result in card.data.eval_results} == {
        name: found["value"] for name, found in metrics.items() if found["value"] is not None
    }


@ONE_TASK
def test_the_notebook_runs(project: Project) -> None:
    assert "training rows" in project.run("make", "notebook")
    assert (project.root / "reports/explore.png").stat().st_size > 10_000


@ONE_TASK
def test_pre_commit_has_nothing_to_say(clone: Project) -> None:
    clone.run("make", "docs")
    clone.commit("Write the table of columns")
    assert "Failed" not in clone.run("pre-commit", "run", "--all-files")


def test_bad_data_is_refused_and_nothing_is_changed(clone: Project) -> None:
    contract = clone.root / "contract.yaml"
    contract.write_text(contract.read_text().replace("maximum: 6000", "maximum: 4000"))
    before = {name: hashes(clone.root / name) for name in ("data/periods", "bundle", "model")}
    printed = clone.run("dvc", "repro", ok=False)
    assert "distance: must be at most 4000: 707 rows, for example 4983, 4963" in printed
    assert "Traceback" not in printed
    assert {name: hashes(clone.root / name) for name in before} == before


@ONE_TASK
@pytest.mark.parametrize(
    ("data", "target", "kind"),
    [
        ("palmerpenguins/data/penguins.csv", "species", "multiclass"),
        ("vega_datasets/_data/seattle-weather.csv", "temp_max", "regression"),
    ],
)
def test_foreign_data_needs_no_python(clone: Project, data: str, target: str, kind: str) -> None:
    package, _, path = data.partition("/")
    (found,) = importlib.util.find_spec(package).submodule_search_locations  # type: ignore[union-attr]
    shutil.copyfile(Path(found) / path, clone.root / "mine.csv")
    printed = clone.run("make", "contract", "SOURCE=mine.csv", f"TARGET={target}")
    assert f"({kind})" in printed
    assert stages_run(clone.run("dvc", "repro")) == list(STAGES)
    assert json.loads((clone.root / "evaluation/metrics.json").read_text())["gain"]["low"] > 0
    clone.run("make", "report")
    assert "up to date" in clone.run("dvc", "status")


@ONE_TASK
def test_a_local_source_that_changes_is_noticed_by_dvc(clone: Project) -> None:
    (found,) = importlib.util.find_spec("vega_datasets").submodule_search_locations  # type: ignore[union-attr]
    source = clone.root / "mine.csv"
    shutil.copyfile(Path(found) / "_data/seattle-weather.csv", source)
    clone.run("make", "contract", "SOURCE=mine.csv", "TARGET=temp_max")
    clone.run("dvc", "repro", "ingest")
    before = source.read_text()
    source.write_text(re.sub(r"(2013/02/03,[\d.]+,)[\d.]+", r"\g<1>9.9", before))
    assert source.read_text() != before
    assert "the source changed in periods that were taken before" in clone.run("dvc", "repro", "ingest", ok=False)
    clone.run("make", "ingest", "ARGS=--accept all")
    clone.run("dvc", "repro", "ingest")
