from __future__ import annotations

import dataclasses

from modelyard.reporting.docs import DATA, data_page, main

from flight_delays import project as flights_project


def test_every_column_has_a_line_with_its_rules(made):
    lines = data_page(made.contract).splitlines()
    assert len([line for line in lines if line.startswith("| `")]) == len(made.contract.columns)
    assert "| `origin` | feature | string |  | EWR, JFK, LGA | no | no | (to be described) |" in lines
    assert "| `late` | target | boolean |  |  | yes | no | (to be described) |" in lines


def test_a_long_list_of_values_is_cut(made):
    count = len(made.contract.columns["carrier"].values)
    assert f"| 9E, AA, AS, B6, DL, EV and {count - 6} more |" in data_page(made.contract)


def test_a_range_is_shown_by_its_ends(made):
    column = made.contract.columns["temp"]
    assert f"| {column.minimum} to {column.maximum} |" in data_page(made.contract)


def test_how_fresh_data_must_be_is_shown(made):
    assert "; never stale." in data_page(made.contract)
    assert "; stale 30 days after its last period." in data_page(dataclasses.replace(made.contract, freshness_days=30))


def test_personal_columns_are_marked(made):
    columns = made.contract.columns
    personal = dataclasses.replace(columns["dest"], pii=True, purpose="to reach them")
    contract = dataclasses.replace(made.contract, columns=columns | {"dest": personal})
    assert "| `dest` | unused | string |  |  | no | yes | (to be described) |" in data_page(contract)


def test_the_verb_writes_the_page(made, tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "contract.yaml").write_bytes((made.root / "contract.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    main([], flights_project)
    assert (tmp_path / DATA).read_text(encoding="utf-8") == data_page(made.contract)
