from __future__ import annotations

import argparse
import json
import shutil

import pytest
from modelyard.errors import ContractError
from modelyard.serving.process.serve import configured, main

from flight_delays import project


def given(**values):
    nothing = {"config": None, "bundle": None, "online": None, "open": False}
    nothing |= {"host": None, "port": None, "workers": None}
    return argparse.Namespace(**nothing | values)


def test_a_bundle_alone_is_served_under_its_name(made):
    config = configured(given(bundle=str(made.root / "bundle"), port=0, workers=3), project)
    assert list(config.models) == [made.contract.name]
    assert (config.port, config.workers, config.host) == (0, 3, "0.0.0.0")  # noqa: S104


def test_the_command_line_is_stronger_than_the_file(tmp_path):
    path = tmp_path / "serving.json"
    path.write_text(json.dumps({"models": {"a": {}}, "port": 9, "workers": 4}))
    config = configured(given(config=path, port=10, host="127.0.0.1"), project)
    assert (config.port, config.workers, config.host) == (10, 4, "127.0.0.1")


def test_a_folder_without_a_bundle_is_named(tmp_path):
    with pytest.raises(
        ContractError, match=r"holds no bundle; make one with `make pipeline`, or name one with --bundle"
    ):
        configured(given(bundle=str(tmp_path)), project)


def test_a_contract_whose_name_no_path_can_hold_says_so(made, tmp_path):
    shutil.copytree(made.root / "bundle", tmp_path / "bundle")
    path = tmp_path / "bundle/contract.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "a b"}))
    with pytest.raises(ContractError, match=r"contract\.json: models: 'a b' must be"):
        configured(given(bundle=str(tmp_path / "bundle")), project)


def test_a_bundle_and_a_configuration_exclude_each_other(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--config", "a", "--bundle", "b"], project)
    assert "not allowed with" in capsys.readouterr().err


def test_the_online_store_of_a_configuration_is_named_in_it():
    with pytest.raises(ContractError, match=r"serving.json names the online store .* as models.<name>.online"):
        main(["--config", "serving.json", "--online", "online.sqlite"], project)


def test_the_online_store_of_a_bundle_alone_is_given(made):
    config = configured(given(bundle=str(made.root / "bundle"), online="online.sqlite"), project)
    assert config.models[made.contract.name].online == "online.sqlite"
