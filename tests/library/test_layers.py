"""Who may import whom, read from the source: what is not imported cannot be depended on."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.runtime import contract

PACKAGE = Path(contract.__file__).parent
ROOT = PACKAGE.parent
LIBRARY = sys.stdlib_module_names
ALLOWED = {
    "contract": set(),
    "features": {"numpy", ".contract"},
    "rows": {"numpy", ".contract"},
    "quickscorer": {"numpy"},
    "predictor": {"numpy", "onnxruntime", ".contract", ".features", ".quickscorer", ".rows"},
}
FORBIDDEN = {"pipeline": ".serving", "serving": ".pipeline"}
SERVING = {"numpy", "msgspec", "uvicorn", "jwt"}  # what the service is installed with; jwt is in an extra of its own


def imports(path: Path, package: Path) -> Iterator[str]:
    """What a file imports, wherever in it: modules of its own package from the package's top, as `.pipeline.train`."""
    here = (".", *path.relative_to(package).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1]
            start = "." + ".".join([*above[1:], *(node.module.split(".") if node.module else [])])
            yield from [start] if node.module else (f"{start.rstrip('.')}.{alias.name}" for alias in node.names)


def within(imported: str, module: str) -> bool:
    return imported == module or imported.startswith(f"{module}.")


def broken(root: Path, package: Path) -> list[str]:
    """Each import that breaks a rule, as `file imports module`."""
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        for imported in imports(path, package):
            wrong = within(imported, "ops") or within(imported, package.name)
            if parts[0] in FORBIDDEN:
                wrong |= within(imported, FORBIDDEN[parts[0]])
            if parts[0] == "serving" and not imported.startswith("."):
                wrong |= imported.partition(".")[0] not in SERVING | LIBRARY
            if parts[0] in ALLOWED and len(parts) == 1:
                allowed = any(within(imported, module) for module in ALLOWED[parts[0]])
                wrong |= not allowed and imported.partition(".")[0] not in LIBRARY
            if wrong:
                found.append(f"{path.relative_to(root).as_posix()} imports {imported}")
    for path in sorted((root / "ops").rglob("*.py")):
        named = [imported for imported in imports(path, root / "ops") if within(imported, package.name)]
        if path != root / "ops" / "project.py":
            found += [f"{path.relative_to(root).as_posix()} imports {imported}" for imported in named]
    return found


def test_every_import_keeps_the_layers():
    assert broken(ROOT, PACKAGE) == []


@pytest.mark.parametrize("name", ALLOWED)
def test_the_modules_that_serving_shares_are_there(name):
    assert (PACKAGE / f"{name}.py").is_file()


@pytest.fixture
def tree(tmp_path) -> Path:
    """A small project that keeps the rules."""
    files = {
        "ops/project.py": "from pack.contract import Contract\n",
        "ops/report.py": "import json\nfrom .project import Contract\n",
        "pack/__init__.py": "",
        "pack/contract.py": "import json\n",
        "pack/features.py": "import numpy as np\nfrom .contract import Contract\n",
        "pack/predictor.py": "import onnxruntime\nfrom .rows import encode\n",
        "pack/quickscorer.py": "import numpy as np\n",
        "pack/rows.py": "from collections.abc import Mapping\nfrom .contract import Contract\n",
        "pack/pipeline/train.py": "import sklearn\nfrom ..contract import Contract\nfrom .rows import x\n",
        "pack/serving/app.py": "import msgspec\nfrom ..predictor import Predictor\nfrom .access import Access\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_check_passes_a_project_that_keeps_the_rules(tree):
    assert broken(tree, tree / "pack") == []


@pytest.mark.parametrize(
    ("file", "line", "imported"),
    [
        ("pack/pipeline/train.py", "from ops.report import x", "ops.report"),
        ("pack/serving/app.py", "import ops", "ops"),
        ("pack/serving/app.py", "import pandas as pd", "pandas"),
        ("pack/serving/app.py", "from starlette.applications import Starlette", "starlette.applications"),
        ("pack/contract.py", "import numpy", "numpy"),
        ("pack/contract.py", "from .features import x", ".features"),
        ("pack/features.py", "from .rows import x", ".rows"),
        ("pack/features.py", "import pandas as pd", "pandas"),
        ("pack/rows.py", "from .features import x", ".features"),
        ("pack/rows.py", "from . import predictor", ".predictor"),
        ("pack/rows.py", "import onnxruntime", "onnxruntime"),
        ("pack/quickscorer.py", "from .contract import x", ".contract"),
        ("pack/predictor.py", "from .pipeline.train import x", ".pipeline.train"),
        ("pack/predictor.py", "from pack.contract import x", "pack.contract"),
        ("pack/pipeline/train.py", "from ..serving.app import x", ".serving.app"),
        ("pack/pipeline/train.py", "from .. import serving", ".serving"),
        ("pack/pipeline/train.py", "from pack.contract import x", "pack.contract"),
        ("pack/pipeline/train.py", "def f():\n    from ..serving import x", ".serving"),
        ("pack/serving/app.py", "from ..pipeline import train", ".pipeline"),
        ("pack/serving/app.py", "if True:\n    import pack.pipeline.train", "pack.pipeline.train"),
        ("ops/report.py", "from pack.contract import x", "pack.contract"),
        ("ops/report.py", "import pack", "pack"),
    ],
)
def test_the_check_finds_an_import_that_breaks_a_rule(tree, file, line, imported):
    with (tree / file).open("a") as opened:
        opened.write(f"{line}\n")
    assert broken(tree, tree / "pack") == [f"{file} imports {imported}"]
