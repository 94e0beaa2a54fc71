"""Drafting again keeps what a person wrote, as far as the data allows it, and says what changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from modelyard.training.draft.draft import main
from modelyard.training.edit import edit_yaml
from modelyard.training.ingest import ingest
from modelyard.training.settings import open_purposes, read_contract, read_params
from sample import SAMPLE

from flight_delays import project as flights

SETTINGS = ["contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md"]


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A project in which a person has corrected a draft and committed nothing yet."""
    root = tmp_path / "shop"
    (root / "docs").mkdir(parents=True)
    for name in SETTINGS:
        shutil.copyfile(SAMPLE / name, root / name)
    monkeypatch.chdir(root)
    write(40)
    main(["rows.csv", "--target", "price", "--time", "day", "--format", "day=%d/%m/%Y"], flights)
    text = Path("contract.yaml").read_text()
    assert "  size:\n    type: integer\n" in text
    text = text.replace("  size:\n", "  size: # as on the label\n").replace("owner: ", "owner: Ada # since May\n#")
    Path("contract.yaml").write_text(text)
    corrected = {
        "size": {"description": "Width", "unit": "cm", "minimum": 0, "maximum": 50},
        "code": {"role": "unused"},
    }
    edit_yaml(Path("contract.yaml"), {"description": "Sales", "columns": corrected})
    edit_yaml(Path("params.yaml"), {"split": {"holdout": 1, "validation": 1}})
    edit_yaml(Path("policy.yaml"), {"floors": {"rmse": 9.0}})
    Path("docs/model-card.md").write_text("# Mine\n")
    return root


def write(rows: int, header: str = "day,size,kind,code,price", last: str = "") -> None:
    lines = [
        f"{1 + place % 28:02}/{1 + place % 12:02}/2023,{place},{'ab'[place % 2]},{place % 3},{place * 1.5}{last}"
        for place in range(rows)
    ]
    Path("rows.csv").write_text("\n".join([header, *lines, ""]))


def drafted(capsys, *arguments: str) -> list[str]:
    capsys.readouterr()
    main(["rows.csv", "--force", *arguments], flights)
    told = capsys.readouterr().out.splitlines()
    start = next(place for place, line in enumerate(told) if line.startswith("drafted again"))
    return [line.strip() for line in told[start:-1]]


def test_the_same_data_changes_nothing(root, capsys):
    before = {name: (root / name).read_bytes() for name in SETTINGS}
    assert drafted(capsys) == ["drafted again: contract.yaml keeps what was written there"]
    assert {name: (root / name).read_bytes() for name in SETTINGS} == before


def test_other_data_changes_what_it_breaks_and_no_more(root, capsys):
    write(70, "day,size,sort,code,price")
    assert drafted(capsys) == [
        "drafted again: contract.yaml keeps what was written there, but for:",
        "kind: removed, the data has it no more",
        "size: maximum 50 -> 110",
        "sort: added as feature, string",
    ]
    contract = read_contract()
    assert (contract.owner, contract.description, contract.time, contract.target) == ("Ada", "Sales", "day", "price")
    size = contract.columns["size"]
    assert (size.description, size.unit, size.minimum, size.maximum) == ("Width", "cm", 0, 110)
    assert contract.columns["code"].role == "unused"
    assert contract.columns["day"].format == "%d/%m/%Y"
    text = Path("contract.yaml").read_text()
    assert "size: # as on the label\n" in text
    assert "owner: Ada # since May\n" in text
    assert read_params().split.holdout == 1
    assert "rmse: 9.0" in Path("policy.yaml").read_text()
    assert Path("docs/model-card.md").read_text() == "# Mine\n"
    ingest(root, contract, read_params())


@pytest.mark.usefixtures("root")
def test_new_categories_and_gaps_are_added_to_what_was_written(capsys):
    text = Path("rows.csv").read_text().replace(",4,a,", ",,c,")
    Path("rows.csv").write_text(text)
    assert drafted(capsys)[1:] == ["size: missing False -> True", "kind: values: new 'c'"]
    assert read_contract().columns["kind"].values == ["a", "b", "c"]


@pytest.mark.usefixtures("root")
def test_a_role_that_is_given_wins_over_the_one_that_was_written(capsys):
    assert "code: role unused -> target" in drafted(capsys, "--target", "code")
    assert read_contract().target == "code"
    assert read_contract().columns["price"].role == "feature"
    assert "rmse" not in Path("policy.yaml").read_text().partition("floors:")[2].partition("champion")[0]


@pytest.mark.usefixtures("root")
def test_an_answer_to_the_open_question_stays_when_drafted_again(capsys):
    write(40, "day,size,kind,code,price,email", ",a@b.org")
    assert "email: added as unused, string" in drafted(capsys)
    assert open_purposes() == ["email"]
    drafted(capsys, "--purpose", "email=to answer")
    drafted(capsys)
    assert read_contract().columns["email"].purpose == "to answer"
