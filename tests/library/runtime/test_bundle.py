from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.bundle import bundled_contract, read_bundle
from modelyard.runtime.hashing import sha256


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made.root / "bundle", tmp_path / "bundle"))


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_a_bundle_is_read_with_contract_metrics_and_digest(made, folder):
    bundle = read_bundle(folder)
    assert bundle.folder == folder
    assert bundle.contract == made.contract
    assert bundle.metrics == json.loads((made.root / "evaluation/metrics.json").read_text())
    assert bundle.manifest["kind"] == "binary"
    assert bundle.digest == sha256(folder / "manifest.json")


def test_its_size_is_that_of_all_files(folder):
    before = read_bundle(folder).size
    assert before == sum(path.stat().st_size for path in folder.iterdir())
    (folder / "more").mkdir()
    (folder / "more/file").write_bytes(b"x" * 1000)
    assert read_bundle(folder).size == before + 1000


def test_without_a_bundle_the_way_to_make_one_is_told(tmp_path):
    with pytest.raises(
        ContractError, match=r"nowhere holds no bundle \(no manifest.json\); make it with `make pipeline`"
    ):
        read_bundle(tmp_path / "nowhere")


def test_another_format_is_not_read(folder):
    change_manifest(folder, lambda manifest: manifest.update(format=2))
    with pytest.raises(ContractError, match="bundle has bundle format 2; this version reads format 1"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["model.onnx", "metrics.json", "README.md"])
def test_a_file_that_is_not_the_one_listed_is_told(folder, name):
    with (folder / name).open("ab") as opened:
        opened.write(b" ")
    with pytest.raises(ContractError, match=f"{name} is not the file that the manifest lists; make the bundle again"):
        read_bundle(folder)


def test_a_file_that_is_missing_is_told(folder):
    (folder / "probe.json").unlink()
    with pytest.raises(ContractError, match=r"probe\.json is missing, and the manifest lists it; make the"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["contract.json", "metrics.json", "model.onnx", "probe.json"])
def test_what_the_gate_goes_by_must_be_listed(folder, name):
    change_manifest(folder, lambda manifest: manifest["files"].pop(name))
    with pytest.raises(ContractError, match=f"the manifest does not list {name}; make the bundle again"):
        read_bundle(folder)


def test_a_manifest_that_is_no_json_is_told(folder):
    (folder / "manifest.json").write_text("{")
    with pytest.raises(ContractError, match=r"manifest\.json is no valid JSON"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "text", ["{}", '{"columns": {"late": {"kind": "boolean"}}, "name": "", "description": "", "owner": ""}']
)
def test_a_contract_of_a_form_that_is_not_known_is_told(folder, text):
    (folder / "contract.json").write_text(text)
    change_manifest(folder, lambda it: it["files"].update({"contract.json": sha256(folder / "contract.json")}))
    with pytest.raises(ContractError, match=r"contract\.json is of a form that this code does not read"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it: it.pop("files"), "files is missing"),
        (lambda it: it.update(files=[]), "files must be an object, each value a text"),
        (lambda it: it["files"].update({"model.onnx": 1}), "files must be an object, each value a text"),
        (lambda it: it["files"].update({"../x": "0"}), r"files: '../x' is no name of a file beside it"),
        (lambda it: it.pop("training"), "training is missing"),
        (lambda it: it.update(training=1), "training must be an object"),
        (lambda it: it["training"].pop("features"), r"training\.features is missing"),
        (lambda it: it["training"].update(features="x"), r"training\.features must be an array, each value a text"),
        (lambda it: it["training"].update(baseline=[None]), r"training\.baseline must be an array, each value a numb"),
        (lambda it: it["training"].update(baseline=[]), r"training\.baseline must have length 1, not 0"),
        (lambda it: it.update(threshold="0.5"), "threshold must be a number or null"),
        (lambda it: it.update(threshold=None), "threshold must be a number for two classes"),
        (lambda it: it.pop("environment"), "environment is missing"),
        (lambda it: it.update(name="penguins"), r"name is 'penguins', and contract\.json says 'flights'"),
        (lambda it: it.update(kind="regression"), r"kind is 'regression', and contract\.json says 'binary'"),
        (lambda it: it.update(classes=[True, False]), r"classes is \[True, False\], and contract\.json says"),
    ],
)
def test_a_damaged_manifest_is_told_with_the_key(folder, change, told):
    change_manifest(folder, change)
    with pytest.raises(ContractError, match=rf"manifest\.json: {told}.*; make the bundle again, or copy it again"):
        read_bundle(folder)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b'{"format": 1'])
def test_a_file_that_is_no_object_is_told(folder, raw):
    (folder / "manifest.json").write_bytes(raw)
    with pytest.raises(ContractError, match=r"manifest\.json is (no valid JSON|no JSON object|nested too deep)"):
        read_bundle(folder)


def test_a_manifest_that_cannot_be_read_is_told(folder):
    (folder / "manifest.json").unlink()
    (folder / "contract.json").unlink()
    (folder / "contract.json").mkdir()
    (folder / "manifest.json").symlink_to(folder / "manifest.json")
    with pytest.raises(ContractError, match="holds no bundle"):
        read_bundle(folder)
    with pytest.raises(ContractError, match=r"contract\.json cannot be read: Is a directory"):
        bundled_contract(folder)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ({"minimum": {}}, r"columns\.distance\.minimum must be a whole number or a number or a text or null"),
        ({"minimum": "1"}, r"columns\.distance: minimum and maximum of type integer are numbers"),
        ({"minimum": float("nan")}, r"columns\.distance\.minimum must be"),
        ({"type": "text"}, r"columns\.distance\.type must be one of 'string', 'integer'"),
        ({"missing": 0}, r"columns\.distance\.missing must be true or false"),
        ({"values": [[]]}, r"columns\.distance\.values must be"),
    ],
)
def test_a_contract_with_a_value_of_another_type_is_told(folder, column, told):
    path = folder / "contract.json"
    contract = json.loads(path.read_text())
    contract["columns"]["distance"] |= column
    path.write_text(json.dumps(contract))
    change_manifest(folder, lambda it: it["files"].update({"contract.json": sha256(path)}))
    with pytest.raises(ContractError, match=rf"contract\.json is of a form that this code does not read: {told}"):
        read_bundle(folder)


def test_a_contract_that_is_no_object_is_told(folder):
    (folder / "contract.json").write_text("[]")
    with pytest.raises(ContractError, match=r"contract\.json is no JSON object"):
        bundled_contract(folder)
