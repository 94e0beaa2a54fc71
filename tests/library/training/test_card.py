from __future__ import annotations

import json

import pytest
from modelyard.errors import ContractError
from modelyard.training.card import card
from ruamel.yaml import YAML


@pytest.fixture
def filled(made):
    manifest = json.loads((made.root / "bundle/manifest.json").read_text())
    metrics = json.loads((made.root / "bundle/metrics.json").read_text())

    def fill(text, **changes):
        return card(text, made.contract, manifest, metrics | changes).partition("\n---\n\n")[2]

    return fill


def front_matter(workspace):
    text = (workspace.root / "bundle/README.md").read_text(encoding="utf-8")
    opening, metadata, _ = text.split("---\n", 2)
    assert opening == ""
    return YAML(typ="safe").load(metadata)


def test_a_placeholder_is_what_is_in_its_place(made, filled):
    rows = json.loads((made.root / "bundle/metrics.json").read_text())["rows"]
    assert filled("{metrics.rows} rows") == f"{rows} rows"
    assert filled("{contract.name} of {contract.owner}") == f"{made.contract.name} of {made.contract.owner}"


@pytest.mark.parametrize("form", [".3f", ".1%", "10.2f", ",.0f"])
def test_a_placeholder_may_have_a_format(form, made, filled):
    value = json.loads((made.root / "bundle/metrics.json").read_text())["holdout"]["roc_auc"]["value"]
    assert filled("{metrics.holdout.roc_auc.value:FORM}".replace("FORM", form)) == format(value, form)


@pytest.mark.parametrize(
    ("placeholder", "message"),
    [
        ("{metrics.holdout.auc.value}", "there is no 'auc'; there is: roc_auc, average_precision"),
        ("{metric.rows}", "there is no 'metric'; there is: manifest, metrics, contract, columns, holdout"),
        ("{metrics.rows.first}", "there is no 'first'; there is: nothing"),
        ("{contract.name:.3f}", "cannot be written as '.3f'"),
    ],
)
def test_a_place_that_does_not_exist_is_refused_with_those_that_do(placeholder, message, filled):
    with pytest.raises(ContractError) as refused:
        filled(f"It is {placeholder}.")
    assert str(refused.value).startswith(f"docs/model-card.md: {placeholder}: ")
    assert message in str(refused.value)


def test_an_undefined_metric_is_a_dash_whatever_its_format(filled):
    undefined = {"roc_auc": {"value": None, "low": None, "high": None}}
    text = "{metrics.holdout.roc_auc.value:.3f}"
    assert filled(text, holdout=undefined) == "-"


@pytest.mark.parametrize("text", ["an AUC of 0.71", "(0.71)", "| 0.71 |", "12.5 % of flights"])
def test_a_typed_number_is_refused(text, filled):
    with pytest.raises(ContractError, match="is typed; refer to it, as in"):
        filled(text)


@pytest.mark.parametrize("text", ["95 % of 2013", "version v1.2", "see section 3.", "a {brace of none", "{}"])
def test_other_text_stays_as_it_is(text, filled):
    assert filled(text) == text


def test_every_metric_is_in_the_table_beside_the_baseline(made, filled):
    metrics = json.loads((made.root / "bundle/metrics.json").read_text())
    head, _, *lines = filled("{holdout}").splitlines()
    assert head == "| metric | value | 95 % from | to | baseline |"
    assert [line.split()[1] for line in lines] == list(metrics["holdout"])
    found = metrics["holdout"]["log_loss"]
    expected = [f"{number:.4f}" for number in (*found.values(), metrics["baseline"]["log_loss"])]
    assert f"| log_loss | {' | '.join(expected)} |" in lines


def test_every_column_is_in_the_table(made, filled):
    _, _, *lines = filled("{columns}").splitlines()
    assert [line.split("`")[1] for line in lines] == list(made.contract.columns)


@pytest.mark.parametrize(
    ("kind", "task"),
    [
        ("made", "tabular-classification"),
        ("made_multiclass", "tabular-classification"),
        ("made_regression", "tabular-regression"),
    ],
)
def test_the_front_matter_has_the_metrics_of_the_holdout(kind, task, request):
    workspace = request.getfixturevalue(kind)
    metrics = json.loads((workspace.root / "bundle/metrics.json").read_text())["holdout"]
    front = front_matter(workspace)
    assert front["pipeline_tag"] == task
    (result,) = front["model-index"][0]["results"]
    assert result["task"]["type"] == task
    assert {one["type"]: one["value"] for one in result["metrics"]} == {
        name: found["value"] for name, found in metrics.items()
    }


def test_a_metric_that_is_undefined_is_not_in_the_front_matter(made):
    manifest = json.loads((made.root / "bundle/manifest.json").read_text())
    undefined = {"value": None, "low": None, "high": None}
    metrics = {"holdout": {"roc_auc": undefined}, "baseline": {"roc_auc": None}}
    assert "roc_auc" not in card("", made.contract, manifest, metrics)
    assert "| roc_auc | - | - | - | - |" in card("{holdout}", made.contract, manifest, metrics)
