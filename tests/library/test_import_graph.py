"""The rooms of the library and who imports whom, held against the code."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from library.import_graph import BELOW, LIBRARY, PAGE, Library, below, block, broken_rules, needed_packages, picture
from modelyard.cli import VERBS

BARE = {name: verb.module for group in VERBS.values() for name, verb in group.items() if verb.bare}


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(LIBRARY)


def test_every_import_of_the_library_keeps_the_rules(library):
    assert broken_rules(library) == []


def test_the_rules_know_no_room_that_is_gone(library):
    assert BELOW.keys() <= library.room_edges().keys()


@pytest.mark.parametrize("verb", BARE)
def test_a_verb_that_runs_without_an_environment_needs_the_standard_library_only(library, verb):
    assert needed_packages(library, BARE[verb]) == set()


def test_the_order_of_the_rooms_is_that_of_the_design():
    assert below("deploying") > below("releasing") > below("judging") > below("training") > below("runtime")
    assert below("reporting") & {"proving", "releasing", "serving"} == set()
    assert "training" not in below("serving")
    assert below("github") == {"github", "errors", "git", "markdown", "versions"}


def test_no_two_classes_have_one_name(library):
    names = Counter(
        node.name for tree in library.trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_the_page_shows_the_picture_of_the_code(library):
    assert block(PAGE.read_text(encoding="utf-8")) == picture(library), "run `python -m library.import_graph` in tests/"


def test_the_page_has_a_paragraph_for_each_room(library):
    page = PAGE.read_text(encoding="utf-8")
    rooms = {room for room in library.room_edges() if room}
    assert [room for room in sorted(rooms) if f"**{room}**" not in page] == []


FILES = {
    "__init__.py": "if TYPE_CHECKING:\n    from .runtime.contract import Contract\n__version__ = '1'\n",
    "errors.py": "class YardError(Exception): ...\n",
    "runtime/__init__.py": "",
    "runtime/contract.py": "import json\nfrom ..errors import YardError\nclass Contract: ...\n",
    "runtime/predictor.py": "import numpy as np\nfrom .contract import Contract\nclass Predictor: ...\n",
    "runtime/score.py": "def score():\n    import pyarrow\n",
    "serving/__init__.py": "",
    "serving/http/__init__.py": "",
    "serving/http/app.py": "import msgspec\nfrom ...runtime.predictor import Predictor\nclass App: ...\n",
    "training/__init__.py": "",
    "training/train.py": "import sklearn\nfrom ..runtime import contract\nfit = len\n",
    "github/__init__.py": "",
    "github/api.py": "import urllib.request\nfrom .. import __version__\nfrom ..errors import YardError\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small library that keeps the rules."""
    folder = tmp_path / "yard"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_check_passes_a_library_that_keeps_the_rules(tree):
    assert broken_rules(Library(tree)) == []


ORDER = "an arrow that does not go down"
PACKAGE = "it may not need that package"


@pytest.mark.parametrize(
    ("file", "line", "rule"),
    [
        ("training/train.py", "from ..serving.http.app import App", f"imports serving.http.app: {ORDER}"),
        ("training/train.py", "from .. import serving", f"imports serving: {ORDER}"),
        ("training/train.py", "def f():\n    from ..serving.http import app", f"imports serving.http.app: {ORDER}"),
        ("serving/http/app.py", "from ...training.train import fit", f"imports training.train: {ORDER}"),
        ("serving/http/app.py", "if TYPE_CHECKING:\n    from ...training import train", f"training.train: {ORDER}"),
        ("runtime/contract.py", "from ..training.train import fit", f"imports training.train: {ORDER}"),
        ("github/api.py", "from ..runtime.contract import Contract", f"imports runtime.contract: {ORDER}"),
        ("errors.py", "from .runtime import contract", f"imports runtime.contract: {ORDER}"),
        ("training/train.py", "from .. import run", f"imports yard: {ORDER}"),
        ("runtime/contract.py", "from .predictor import Predictor", "a circle: "),
        ("serving/http/app.py", "import pandas as pd", f"imports pandas: {PACKAGE}"),
        ("serving/http/app.py", "from starlette.applications import Starlette", f"starlette.applications: {PACKAGE}"),
        ("runtime/predictor.py", "import pandas.io", f"imports pandas.io: {PACKAGE}"),
        ("runtime/score.py", "import pyarrow.csv", f"imports pyarrow.csv: {PACKAGE}"),
        ("github/api.py", "def f():\n    from yaml import load", f"imports yaml: {PACKAGE}"),
        ("errors.py", "import numpy", f"imports numpy: {PACKAGE}"),
        ("__init__.py", "import numpy", f"imports numpy: {PACKAGE}"),
        ("runtime/predictor.py", "from yard.runtime import contract", "an absolute import of the library itself"),
        ("training/train.py", "import yard", "an absolute import of the library itself"),
        ("training/train.py", "from ..runtime.predictor import Contract", "it is not defined there"),
        ("training/train.py", "from ..runtime.quick import Scorer", "there is no such module"),
        ("cleaning/tidy.py", "", "a room that import_graph.py does not know"),
    ],
)
def test_the_check_finds_what_breaks_a_rule(tree, file, line, rule):
    (tree / file).parent.mkdir(exist_ok=True)
    with (tree / file).open("a") as opened:
        opened.write(f"{line}\n")
    assert any(rule in found for found in broken_rules(Library(tree)))


def test_the_picture_leaves_out_what_a_longer_way_says(tree):
    drawn = picture(Library(tree)).splitlines()[2:]
    assert drawn == [
        "  github --> leaves",
        "  runtime --> leaves",
        "  serving --> runtime",
        "  training --> runtime",
    ]


def test_what_a_module_needs_is_found_at_any_depth(tree):
    assert needed_packages(Library(tree), "serving.http.app") == {"msgspec", "numpy"}
