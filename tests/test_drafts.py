from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from modelyard.training.data.sources.files import FileSource
from modelyard.training.draft.draft import draft
from modelyard.training.draft.roles import Roles
from modelyard.training.edit import edit_yaml
from modelyard.training.evaluate import evaluate
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_contract, read_params
from modelyard.training.train import train
from sample import ROOT, SAMPLE
from sklearn.datasets import load_diabetes
from vega_datasets import data as vega

from flight_delays import project

SETTINGS = ["contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md"]
SMALL = {
    "model": {"estimator": "gradient_boosting", "gradient_boosting": {"max_iter": 20}},
    "evaluate": {"bootstrap": 100, "importance_rows": 100, "importance_repeats": 1},
}


def diabetes() -> pd.DataFrame:
    """With an id, by which the pipeline sorts its rows; the source has them the other way round."""
    return load_diabetes(as_frame=True).frame.rename_axis("id").reset_index()[::-1]


def weather() -> pd.DataFrame:
    """With a time, and with days whose weather nobody wrote down; the last day comes first."""
    rows = vega.seattle_weather()[::-1]
    return rows.assign(weather=rows["weather"].where(rows["date"].dt.day != 13))


@pytest.fixture(params=[diabetes, weather], ids=["without time", "with time"])
def drafted(request, tmp_path, monkeypatch) -> Path:
    """A folder in which data was drafted and its model made; one stands in it."""
    for name in SETTINGS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((SAMPLE / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "bench")
    source = tmp_path / "data.csv"
    request.param().to_csv(source, index=False)
    draft(tmp_path, FileSource(str(source)).read(str(source)), {"kind": "files", "path": str(source)}, Roles())
    edit_yaml(tmp_path / "params.yaml", SMALL)
    settings = read_contract(), read_params()
    ingest(tmp_path, *settings)
    for stage in (train, evaluate):
        stage(project, tmp_path, *settings)
    return tmp_path


def test_the_script_answers_the_very_rows_that_the_model_was_judged_on(drafted):
    judged_draft = importlib.import_module("judged_draft")
    metrics = json.loads((drafted / "evaluation/metrics.json").read_text())
    found = judged_draft.judge()
    assert found["ours"] == pytest.approx(metrics["holdout"][found["metric"]]["value"], rel=1e-12)
    assert found["holdout"] == metrics["rows"]
    assert found["low"] <= found["ours"] - found["script"] <= found["high"]
    assert 0.3 < found["script"] / found["ours"] < 3

    # as if one row had been read for another
    source = pd.read_csv("data.csv")
    source[read_contract().target] = source[read_contract().target].to_numpy()[::-1]
    source.to_csv("data.csv", index=False)
    with pytest.raises(ValueError, match="not found again"):
        judged_draft.judge()


def test_the_script_is_one_that_a_person_writes_in_ten_minutes():
    lines = (ROOT / "bench/draft_script.py").read_text().splitlines()
    assert len([line for line in lines if re.search(r"\S", line)]) <= 20
