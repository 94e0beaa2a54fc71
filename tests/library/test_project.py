"""The settings of this project, whatever its data: they are valid, and dvc.yaml names what the stages run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.training import layout
from modelyard.training.data.dataset import split_periods
from modelyard.training.settings import read_contract, read_params, read_yaml

PACKAGE = Path(layout.__file__).parent.parent
ROOT = PACKAGE.parent
STAGES = read_yaml(ROOT / "dvc.yaml")["stages"]
OWN = {name: stage for name, stage in STAGES.items() if stage["cmd"].endswith("-m ${package}.pipeline." + name)}
NOT_MADE = {layout.SEEN, layout.CARD}  # one machine's memory, and a text that a person wrote
EXEMPT = {PACKAGE / "command.py"}  # says how an error is printed: no stage makes anything else by it


def named(entries: list) -> set[Path]:
    """The paths of a stage's deps, outs, metrics or plots."""
    names = (entry if isinstance(entry, str) else next(iter(entry)) for entry in entries)
    return {ROOT / name.replace("${package}", PACKAGE.name) for name in names}


def imported(path: Path) -> Iterator[Path]:
    """The files of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            inside = [folder / alias.name for alias in node.names]
            for found in [folder, *inside]:
                yield from (file for file in (found.with_suffix(".py"), found / "__init__.py") if file.is_file())


def needed(path: Path) -> set[Path]:
    """A file and all files of the package that it imports, at any depth."""
    found, open_ends = set(), [path]
    while open_ends:
        file = open_ends.pop()
        if file not in found:
            found.add(file)
            open_ends += imported(file)
    return found


def test_the_contract_is_valid():
    assert read_contract(ROOT / "contract.yaml").target


def test_the_params_are_valid_and_fit_the_contract():
    contract, params = read_contract(ROOT / "contract.yaml"), read_params(ROOT / "params.yaml")
    assert (contract.time is None) == (params.watermark is None)
    assert contract.time or params.evaluate.resample == "row"
    assert contract.time is None or split_periods([f"{number:04}" for number in range(10_000)], params.split)
    assert contract.time or params.split.holdout + params.split.validation < 1


def test_the_stages_of_the_pipeline_are_there():
    assert {"ingest", "train", "evaluate", "bundle"} <= OWN.keys()
    assert read_yaml(ROOT / "dvc.yaml")["vars"] == [{"package": PACKAGE.name}]


@pytest.mark.parametrize("name", OWN)
def test_a_stage_depends_on_all_the_code_that_it_runs(name):
    deps = named(OWN[name]["deps"])
    code = needed(PACKAGE / "pipeline" / f"{name}.py")
    assert PACKAGE / "contract.py" in code
    unnamed = {file for file in code - EXEMPT if not deps & {file, *file.parents}}
    assert sorted(str(file.relative_to(ROOT)) for file in unnamed) == []


@pytest.mark.parametrize("name", OWN)
def test_a_stage_depends_on_no_code_that_is_not_there(name):
    code = {path for path in named(OWN[name]["deps"]) if PACKAGE in path.parents}
    assert [str(path) for path in code if not path.exists()] == []


@pytest.mark.parametrize("name", OWN)
def test_a_stage_depends_on_params_that_are_there(name):
    assert set(OWN[name]["params"]) <= read_yaml(ROOT / "params.yaml").keys()


def test_every_place_that_the_code_writes_to_is_an_out_of_a_stage():
    outs = {
        path for stage in OWN.values() for kind in ("outs", "metrics", "plots") for path in named(stage.get(kind, []))
    }
    places = {place for place in vars(layout).values() if isinstance(place, Path)}
    assert {ROOT / place for place in places - NOT_MADE} <= outs


def test_imports_inside_functions_and_folders_count():
    code = needed(PACKAGE / "pipeline" / "ingest.py")
    assert {PACKAGE / "pipeline/validate.py", PACKAGE / "pipeline/sources/sql.py"} <= code
