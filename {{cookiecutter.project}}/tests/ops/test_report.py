from __future__ import annotations

import dataclasses
import html.parser
import json
import re
import shutil
import sys

import pytest

from ops.__main__ import main
from ops.page import page
from ops.project import ContractError
from ops.report import report


@pytest.fixture(params=["made", "made_regression"])
def workspace(request):
    return request.getfixturevalue(request.param)


def metrics(workspace) -> dict:
    return json.loads((workspace.root / "bundle/metrics.json").read_text())


def table_line(text: str, *cells: str) -> bool:
    return f"| {' | '.join(cells)} |" in text


class Tags(html.parser.HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def test_every_metric_is_shown_with_its_interval_and_the_baseline(workspace):
    text, found = report(workspace.root, workspace.contract), metrics(workspace)
    assert len(found["holdout"]) >= 4
    for name, interval in found["holdout"].items():
        numbers = [f"{interval[end]:.4f}" for end in ("value", "low", "high")]
        baseline = found["baseline"][name]
        assert table_line(text, name, *numbers, "-" if baseline is None else f"{baseline:.4f}")


def test_each_rule_of_the_policy_is_shown(made, tmp_path):
    root = tmp_path / "flights"
    shutil.copytree(made.root, root)
    (root / "policy.yaml").write_text("floors: {roc_auc: 0.1, precision: 0.999}\n")
    text = report(root, made.contract)
    found = metrics(made)["holdout"]
    assert table_line(text, "roc_auc at least 0.1", f"{found['roc_auc']['value']:.4f}", "yes")
    assert table_line(text, "precision at least 0.999", f"{found['precision']['value']:.4f}", "no")
    assert "log_loss better than the baseline's" in text


def test_each_input_and_each_slice_is_shown(workspace):
    text = report(workspace.root, workspace.contract)
    for name in workspace.contract.inputs:
        assert f"| {name} | " in text
    assert "| origin = EWR | " in text


def test_where_the_model_comes_from_is_shown(made):
    text = report(made.root, made.contract)
    rows = sum(made.month(file.stem).num_rows for file in made.source.iterdir())
    assert table_line(text, "data", f"{rows:,} rows, 2013-01 to 2013-12")
    assert table_line(text, "judged on", "2013-11, 2013-12")


def test_without_a_bundle_the_way_to_make_one_is_told(made, tmp_path):
    with pytest.raises(ContractError, match="there is no bundle/ to report on; make it with `dvc repro`"):
        report(tmp_path, made.contract)


def test_the_page_loads_nothing_and_runs_nothing(workspace):
    made_page = page(report(workspace.root, workspace.contract), workspace.root, workspace.contract)
    tags = Tags(made_page)
    assert {"table", "svg", "title"} <= {tag for tag, _ in tags.found}
    assert not {"script", "link", "img", "iframe", "object", "image"} & {tag for tag, _ in tags.found}
    for _, attributes in tags.found:
        local = {name: value or "" for name, value in attributes.items() if not name.startswith("xmlns")}
        assert not any(re.search(r"https?:|^//", value) for value in local.values())
        assert not any(name.startswith("on") for name in local)
    assert not re.search(r"@import|url\((?!#)", made_page)


def test_the_page_shows_both_plots_and_every_table(workspace):
    text = report(workspace.root, workspace.contract)
    tags = [tag for tag, _ in Tags(page(text, workspace.root, workspace.contract)).found]
    assert (tags.count("svg"), tags.count("table")) == (2, text.count("| --- |\n"))


def test_the_same_bundle_gives_the_same_page(workspace):
    text = report(workspace.root, workspace.contract)
    pages = {page(text, workspace.root, workspace.contract) for _ in range(2)}
    assert len(pages) == 1


def test_a_hostile_name_stays_text(made):
    hostile = "<script>alert(1)</script>"
    contract = dataclasses.replace(made.contract, name=hostile)
    made_page = page(report(made.root, contract), made.root, contract)
    assert "<script" not in made_page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in made_page


def test_a_hostile_column_stays_text_in_table_and_plot(made, tmp_path):
    root = tmp_path / "flights"
    shutil.copytree(made.root, root)
    path = root / "bundle/importance.csv"
    path.write_text(path.read_text().replace("carrier", "<script>x|y</script>"))
    made_page = page(report(root, made.contract), root, made.contract)
    assert "<script" not in made_page
    assert made_page.count("&lt;script&gt;x|y&lt;/script&gt;") >= 2


def test_the_verb_writes_both_reports_and_prints_the_metrics(made, tmp_path, monkeypatch, capsys):
    root = tmp_path / "flights"
    shutil.copytree(made.root, root)
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["ops", "report"])
    main()
    assert (root / "reports/report.md").read_text() == report(root, made.contract)
    assert (root / "reports/report.html").read_text().startswith("<!doctype html>")
    assert "| roc_auc | " in capsys.readouterr().out
