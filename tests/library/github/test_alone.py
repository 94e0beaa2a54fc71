"""What talks to GitHub runs where nothing is installed: it imports the standard library and itself."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "ops/github"


def imports(code: str) -> list[str]:
    """The top of each module that is imported, wherever in the code; `.` for one of the same folder."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level or str(node.module).partition(".")[0])
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_only_the_standard_library_is_imported(path):
    allowed = sys.stdlib_module_names | {"."}
    assert [name for name in imports(path.read_text()) if name not in allowed] == []


def test_the_folder_above_imports_nothing():
    assert imports((ROOT / "ops/__init__.py").read_text()) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [("import numpy.linalg", "numpy"), ("from ..project import x", ".."), ("def f():\n from yaml import x", "yaml")],
)
def test_an_import_of_anything_else_is_found(code, found):
    assert imports(code) == [found]
