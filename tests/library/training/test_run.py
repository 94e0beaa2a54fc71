from __future__ import annotations

import shutil

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.hashing import bundle_sha256
from modelyard.training.run import SETTINGS, lay_out, main
from modelyard.training.settings import read_params

from flight_delays import project


@pytest.fixture
def settings(workspace, tmp_path):
    """The settings alone, as an image has them."""
    folder = tmp_path / "settings"
    for name in SETTINGS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(workspace.root / name, folder / name)
    return folder


def test_a_folder_of_data_becomes_a_bundle_and_then_one_of_more_data(settings, workspace, tmp_path, capsys):
    folder = tmp_path / "data"
    folder.mkdir()
    source = str(workspace.source / "*.parquet")
    main(["--folder", str(folder), "--settings", str(settings), "--source", source, "--watermark", "2013-05"], project)
    first = bundle_sha256(folder / "bundle")
    assert f"bundle {first[:12]} in {folder}/bundle/" in capsys.readouterr().out
    assert read_params(folder / "params.yaml").watermark == "2013-05"
    main(["--folder", str(folder), "--watermark", "2013-06"], project)
    told = capsys.readouterr().out
    assert "periods taken: 1 " in told
    assert "copied" not in told
    assert bundle_sha256(folder / "bundle") != first


def test_settings_that_are_there_stay(settings, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "contract.yaml").write_text("mine")
    assert set(lay_out(folder, settings)) == set(SETTINGS) - {SETTINGS[0]}
    assert (folder / "contract.yaml").read_text() == "mine"


def test_settings_that_are_nowhere_are_named_and_nothing_is_copied(settings, tmp_path):
    (settings / "params.yaml").unlink()
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(ContractError, match=r"params.yaml: no such file; put it there, or name a folder that has it"):
        lay_out(folder, settings)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"nowhere cannot be written to by user \d+; in a container say --user"):
        main(["--folder", str(tmp_path / "nowhere")], project)
