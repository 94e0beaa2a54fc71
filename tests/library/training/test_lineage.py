from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from modelyard.code import ENTRIES, code_hashes
from modelyard.training.layout import ENVIRONMENT
from modelyard.training.lineage import answering, code

import flight_delays

PACKAGE = Path(flight_delays.__file__).parent
OWN = {"__init__.py", "__main__.py", "features.py", "model.py"}


def test_each_module_of_the_project_has_its_hash():
    hashes = code(PACKAGE)
    assert hashes.keys() >= OWN
    for path in OWN:
        assert hashes[path] == hashlib.sha256((PACKAGE / path).read_bytes()).hexdigest()


def test_the_librarys_code_has_a_hash_for_each_stage_and_for_answering():
    hashes = code(PACKAGE)
    assert {name.partition(":")[2]: hashes[name] for name in hashes if name.startswith("modelyard:")} == code_hashes()
    assert hashes.keys() == OWN | {f"modelyard:{entry}" for entry in ENTRIES}


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))


def test_a_changed_line_changes_the_hash_of_its_file_alone(copy):
    with (copy / "features.py").open("a") as opened:
        opened.write("\n")
    before, after = code(PACKAGE), code(copy)
    assert [path for path in before if before[path] != after[path]] == ["features.py"]


def test_a_module_of_ones_own_has_a_hash_and_a_library_inside_the_package_has_not(copy):
    for name in ("helpers/text.py", "_modelyard/errors.py"):
        (copy / name).parent.mkdir()
        (copy / name).write_text("")
    assert code(copy).keys() - code(PACKAGE).keys() == {"helpers/text.py"}


def test_an_answer_depends_on_the_features_and_on_what_answers():
    assert answering(code(PACKAGE)).keys() == {"__init__.py", "features.py", "modelyard:predict"}


def test_an_answer_depends_on_a_module_that_features_may_import(copy):
    (copy / "text.py").write_text("")
    assert "text.py" in answering(code(copy))


def test_the_manifest_holds_the_code_and_the_environment_that_training_listed(made):
    manifest = json.loads((made.root / "bundle/manifest.json").read_text())
    assert manifest["code"] == code(PACKAGE)
    assert manifest["environment"] == json.loads((made.root / ENVIRONMENT).read_text())
