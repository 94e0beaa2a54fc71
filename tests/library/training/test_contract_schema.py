"""The JSON Schema of contract.yaml and the reader of the file say the same of keys, types and words."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from modelyard.errors import ContractError
from modelyard.reporting.docs import main as write_docs
from modelyard.runtime.contract import Column, Contract
from modelyard.training.contract_schema import SCHEMA, contract_schema, main, schema_text
from modelyard.training.draft.writing import FIRST_LINE, write_contract
from modelyard.training.edit import round_trip
from modelyard.training.settings import read_contract
from modelyard.training.strict_yaml import read_yaml
from sample import SAMPLE

from flight_delays import project as flights

SHOP: dict[str, Any] = {
    "name": "shop",
    "description": "Sales",
    "owner": "Ada",
    "columns": {
        "day": {
            "type": "timestamp",
            "role": "time",
            "description": "",
            "format": "%d.%m.%Y",
            "minimum": "2013-01-01",
            "calendar": ["year", "elapsed"],
        },
        "size": {"type": "number", "role": "feature", "description": "", "minimum": 0, "maximum": 2.5, "unit": "cm"},
        "kind": {"type": "string", "role": "feature", "description": "", "values": ["a", "b"], "missing": True},
        "sold": {"type": "boolean", "role": "target", "description": ""},
    },
}


VALIDATOR = jsonschema.Draft202012Validator(contract_schema())


def changed(**changes: Any) -> dict[str, Any]:
    """The contract of the shop with other values by path, such as columns__size__unit; `...` removes a key."""
    content = copy.deepcopy(SHOP)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = content
        for key in way:
            place = place[key]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return content


def by_schema(content: dict[str, Any]) -> bool:
    return VALIDATOR.is_valid(content)


def by_reader(content: dict[str, Any], folder: Path) -> bool:
    path = folder / "contract.yaml"
    with path.open("w") as opened:
        round_trip().dump(content, opened)
    try:
        read_contract(path)
    except ContractError:
        return False
    return True


@pytest.mark.parametrize(
    "content",
    [
        SHOP,
        changed(freshness_days=30, slices=["kind"]),
        changed(freshness_days=None),
        changed(columns__size__minimum=None),
        changed(columns__size__type="integer", columns__size__values=[1, 2], columns__size__minimum=...,
                columns__size__maximum=...),
        changed(columns__kind__role="unused", columns__kind__values=..., columns__kind__pii=True,
                columns__kind__purpose="to answer"),
    ],
)  # fmt: skip
def test_a_good_contract_is_good_for_both(content, tmp_path):
    assert by_schema(content)
    assert by_reader(content, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        changed(owner=...),
        changed(owners="Bob"),
        changed(name=3),
        changed(freshness_days="soon"),
        changed(slices="kind"),
        changed(columns=[]),
        changed(columns__size__type="float"),
        changed(columns__size__role="input"),
        changed(columns__size__description=...),
        changed(columns__size__min=0),
        changed(columns__size__missing="yes"),
        changed(columns__size__unit=5),
        changed(columns__size__minimum=[0]),
        changed(columns__kind__values="a, b"),
        changed(columns__kind__values=[1.5, 2]),
        changed(columns__size=None),
        changed(columns__day__calendar=["year", "quarter"]),
        changed(columns__day__calendar="year"),
    ],
)
def test_a_bad_contract_is_bad_for_both(content, tmp_path):
    assert not by_schema(content)
    assert not by_reader(content, tmp_path)


def test_the_contract_of_the_sample_is_good_for_both():
    assert by_schema(read_yaml(SAMPLE / "contract.yaml"))
    assert read_contract(SAMPLE / "contract.yaml")


def test_each_key_is_described_in_the_schema_and_on_the_page():
    schema, page = contract_schema(), (SAMPLE / "docs/your-data.md").read_text().partition("## The keys")[2]
    for kind, described in ((Contract, schema), (Column, schema["$defs"]["Column"])):
        for field in dataclasses.fields(kind):
            assert described["properties"][field.name]["description"].endswith("."), field.name
            assert f"`{field.name}`" in page, field.name


def test_the_verb_prints_the_schema_and_checks_the_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["--schema"], flights)
    assert json.loads(capsys.readouterr().out) == contract_schema()
    assert by_reader(SHOP, tmp_path)
    main([], flights)
    assert capsys.readouterr().out == "contract.yaml: 4 columns; predicts sold (binary)\n"
    by_reader(changed(columns__day__type="string"), tmp_path)
    with pytest.raises(ContractError, match=r"columns\.day: role time needs type timestamp"):
        main([], flights)


def test_a_drafted_contract_names_a_schema_that_make_docs_keeps_up_to_date(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    by_reader(SHOP, tmp_path)
    write_contract(tmp_path / "contract.yaml", read_contract())
    assert (tmp_path / "contract.yaml").read_text().startswith(FIRST_LINE)
    assert FIRST_LINE.strip().endswith(f"$schema={SCHEMA}")
    (tmp_path / "docs").mkdir()
    write_docs([], flights)
    assert not SCHEMA.exists()
    SCHEMA.write_text("{}")
    write_docs([], flights)
    assert SCHEMA.read_text() == schema_text()
