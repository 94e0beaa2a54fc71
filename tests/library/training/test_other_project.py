"""What holds for the sample holds for a project that has nothing of it."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from library.import_graph import LIBRARY
from library.other_project import MODULES, NAME, PACKAGE
from modelyard.runtime.hashing import bundle_sha256
from modelyard.runtime.matrix import matrix
from modelyard.training.data.dataset import read_rows
from modelyard.training.fit import fit
from modelyard.training.lineage import answering, code

SAMPLES_WORDS = (b"flight", b"departure", b"carrier", b"gradient_boosting")


@pytest.fixture(scope="module")
def holdout(other):
    return read_rows(other.root, other.contract, other.params, "holdout")


@pytest.fixture(scope="module")
def trained(other):
    rows = read_rows(other.root, other.contract, other.params, "shipped")
    return fit(other.project, rows, other.contract, other.params)


def test_it_has_nothing_of_the_sample(other, made):
    assert other.contract.columns.keys().isdisjoint(made.contract.columns)
    assert other.project.estimators.keys().isdisjoint(made.project.estimators)
    assert (other.contract.kind, other.contract.time) == ("multiclass", None)
    assert (other.project.name, other.contract.name) == (PACKAGE, NAME)


def test_its_bundle_answers_as_scikit_learn(other, holdout, trained):
    table = matrix(other.project.features(holdout.columns, other.contract))
    predictor = other.project.predictor(other.root / "bundle")
    np.testing.assert_allclose(
        predictor.model.predict(holdout.columns), trained.estimator.predict_proba(table), rtol=0, atol=1e-12
    )


def test_it_tells_most_penguins_apart(other, holdout):
    predictor = other.project.predictor(other.root / "bundle")
    scores = predictor.model.predict(holdout.columns)
    assert np.mean(scores.argmax(axis=1) == holdout.target) > 0.9
    assert set(predictor.decide(scores)) == set(other.contract.classes) == {"Adelie", "Chinstrap", "Gentoo"}


def test_its_probes_are_answered_by_its_command_line(other, tmp_path):
    probe = json.loads((other.root / "bundle/probe.json").read_text())
    (tmp_path / "rows.json").write_text(json.dumps(probe["rows"]))
    command = [sys.executable, "-m", PACKAGE, "predict", str(tmp_path / "rows.json"), "--bundle", "bundle"]
    done = subprocess.run(command, cwd=other.root, capture_output=True, text=True, check=True)
    assert [json.loads(line)["prediction"] for line in done.stdout.splitlines()] == probe["answers"]


def test_its_manifest_has_each_of_its_modules_and_what_it_was_made_with(other):
    manifest = json.loads((other.root / "bundle/manifest.json").read_text())
    assert {name for name in manifest["code"] if ":" not in name} == MODULES.keys()
    assert manifest["training"]["features"] == ["bill_shape", "stature", "log_mass", "home", "is_male"]
    assert manifest["environment"]["packages"].keys() >= {"scikit-learn", "numpy", "pandas"}
    assert not {NAME, "modelyard"} & manifest["environment"]["packages"].keys()


def test_a_helper_module_of_its_features_counts_among_what_answers(other, tmp_path):
    package = shutil.copytree(other.project.folder, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "shapes.py").write_text(MODULES["shapes.py"] + "\n")
    before, after = answering(code(other.project.folder)), answering(code(package))
    assert [name for name in before if before[name] != after[name]] == ["shapes.py"]


def test_running_it_again_gives_the_same_bundle(other, tmp_path):
    again = dataclasses.replace(other, root=shutil.copytree(other.root, tmp_path / NAME))
    for name in ("data", "model", "evaluation", "bundle"):
        shutil.rmtree(again.root / name)
    assert again.run() == bundle_sha256(other.root / "bundle")


def test_nothing_that_it_makes_speaks_of_the_sample(other):
    made = [path for name in ("bundle", "model", "evaluation", "data") for path in (other.root / name).rglob("*")]
    texts = {path: path.read_bytes().lower() for path in made if path.is_file()}
    assert len(texts) > 15
    assert [(path.name, word) for path, text in texts.items() for word in SAMPLES_WORDS if word in text] == []


def test_the_librarys_code_names_no_project():
    assert [path.name for path in LIBRARY.rglob("*.py") if re.search("flight.delays", _without_docstrings(path))] == []


def _without_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body[0].value.value = ""
    return ast.unparse(tree)
