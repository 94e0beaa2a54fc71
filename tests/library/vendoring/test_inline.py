"""What the wheel of a model carries of the library, and how the imports of it become relative."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import textwrap

import pytest
from library.vendoring.conftest import SOURCE
from modelyard.code import closure
from modelyard.errors import YardError
from modelyard.vendoring.inline import FILES, ROOMS, SHIPPING, inline, rewrite
from modelyard.vendoring.wheel import build
from sample import SAMPLE

LIBRARY = SOURCE / "src/modelyard"


def test_nothing_that_it_imports_is_missing():
    modules = [
        path.relative_to(LIBRARY).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for room in ROOMS
        for path in (LIBRARY / room).rglob("*.py")
    ]
    files = [name.removesuffix(".py").replace("/", ".") for name in (*FILES, *SHIPPING) if name.endswith(".py")]
    needed = closure([*modules, *(name.removesuffix(".__init__") for name in files)], LIBRARY)
    made = {name.removeprefix("_modelyard/") for name in inline(SAMPLE / "flight_delays")}
    assert set(needed) - made == set()


def test_what_projects_import_of_the_library_is_in_it(tmp_path):
    for name, content in inline(SAMPLE / "flight_delays").items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    code = (
        "import pack._modelyard as yard; print([getattr(yard, name) for name in yard.__all__]); "
        "from pack._modelyard import cli; print(*({'ship', 'compact'} & set(cli._installed_verbs(False))))"
    )
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "ship"  # of what watches the service, it holds what ships the log


def test_its_files_are_the_librarys_byte_for_byte():
    made = inline(SAMPLE / "flight_delays")
    for name, content in made.items():
        inside = name.removeprefix("_modelyard/")
        if inside != name and inside not in ("LICENSE", "VERSION"):
            assert content == (LIBRARY / inside).read_bytes()
    assert not any("__pycache__" in name for name in made)


def test_the_librarys_licence_and_version_go_with_it():
    made = inline(SAMPLE / "flight_delays")
    assert made["_modelyard/LICENSE"] == (SOURCE / "LICENSE").read_bytes()
    assert made["_modelyard/VERSION"].decode() == f"modelyard {importlib.import_module('modelyard').__version__}\n"


def test_an_installed_library_gives_the_same_files(tmp_path):
    name, content = build(SOURCE)
    (tmp_path / name).write_bytes(content)
    install = [sys.executable, "-m", "zipfile", "-e", name, "site"]
    subprocess.run(install, cwd=tmp_path, check=True)
    assert inline(SAMPLE / "flight_delays", tmp_path / "site/modelyard") == inline(SAMPLE / "flight_delays")


def test_without_the_librarys_licence_it_is_refused(tmp_path):
    subprocess.run(["cp", "-r", LIBRARY, tmp_path / "modelyard"], check=True)
    with pytest.raises(YardError, match="the licence of the library is not beside"):
        inline(SAMPLE / "flight_delays", tmp_path / "modelyard")


def test_the_modules_of_the_project_import_nothing_of_an_installed_library():
    made = inline(SAMPLE / "flight_delays")
    own = {name: content.decode() for name, content in made.items() if "/" not in name}
    assert {"__init__.py", "features.py", "model.py", "__main__.py"} <= own.keys()
    for text in own.values():
        for node in ast.walk(ast.parse(text)):
            assert not (
                isinstance(node, ast.ImportFrom) and node.level == 0 and str(node.module).startswith("modelyard")
            )
            assert not (isinstance(node, ast.Import) and any(one.name.startswith("modelyard") for one in node.names))


@pytest.mark.parametrize(
    ("before", "depth", "after"),
    [
        ("from modelyard import Project\n", 0, "from ._modelyard import Project\n"),
        ("from modelyard import Project\n", 2, "from ..._modelyard import Project\n"),
        ("from modelyard.runtime.rows import encode", 0, "from ._modelyard.runtime.rows import encode"),
        ("from  modelyard import (\n    A,\n    B,\n)\n", 0, "from ._modelyard import (\n    A,\n    B,\n)\n"),
        ("def f():\n    from modelyard import A  # late\n", 0, "def f():\n    from ._modelyard import A  # late\n"),
        ("é = 1; from modelyard import A\n", 0, "é = 1; from ._modelyard import A\n"),
        ("import modelyard\n", 1, "from .. import _modelyard as modelyard\n"),
        ("import modelyard as yard\n", 0, "from . import _modelyard as yard\n"),
        ("import modelyard.runtime.rows as r\n", 0, "from ._modelyard.runtime import rows as r\n"),
        ("import os, modelyard, sys as s\n", 0, "import os; from . import _modelyard as modelyard; import sys as s\n"),
        (
            "import modelyard.errors\n",
            0,
            "from . import _modelyard as modelyard; from ._modelyard import errors as _modelyard_errors\n",
        ),
        ("x = 'from modelyard import A'\n", 0, "x = 'from modelyard import A'\n"),
        ("from modelyards import A\nfrom .modelyard import B\nimport modelyards\n", 0, None),
        ("a = '\x0c'\nfrom modelyard import A\n", 0, "a = '\x0c'\nfrom ._modelyard import A\n"),
    ],
)
def test_an_import_of_the_library_becomes_relative(before, depth, after):
    made = rewrite(before, depth, "pack/one.py")
    assert made == (before if after is None else after)
    ast.parse(made)


@pytest.mark.parametrize(
    "text", ["from \\\n  modelyard import A\n", "import  modelyard\n", "import os, \\\n  modelyard\n"]
)
def test_an_import_that_cannot_be_rewritten_is_named(text):
    with pytest.raises(YardError, match=r"^pack/one\.py:1: write this import of modelyard on one line"):
        rewrite(text, 0, "pack/one.py")


def test_rewritten_imports_bind_the_same_names(tmp_path):
    package = tmp_path / "pack"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "deep/__init__.py").touch()
    text = textwrap.dedent(
        """
        import modelyard
        import modelyard.errors
        import modelyard.versions as versions_module
        from modelyard.errors import YardError
        found = (modelyard.__version__, modelyard.errors.YardError is YardError, versions_module.__name__)
        """
    )
    made = {"deep/one.py": rewrite(text, 1, "").encode(), "_modelyard/versions.py": b""}
    made |= {f"_modelyard/{name}": (LIBRARY / name).read_bytes() for name in ("__init__.py", "errors.py")}
    for name, content in made.items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_bytes(content)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from pack.deep.one import found; print(*found)"
    printed = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    version = importlib.import_module("modelyard").__version__
    assert printed.split() == [version, "True", "pack._modelyard.versions"]
