"""Which of the library's files a stage runs, and one hash for all of them.

DVC depends on these hashes through `vendor/yard.json`, so a new version of the library makes a stage run again only if
the code of that stage changed. This module needs the standard library only.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable

# The modules from which the code behind each hash is reached. `predict` covers all code that answers rows.
# Beside them is what a project's features.py may import, and the builders of its model.py.
ENTRIES = {
    "ingest": ("training.ingest",),
    "train": (
        "training.train",
        "runtime.calendar",
        "training.lightgbm",
        "training.neighbours",
        "training.xgboost",
    ),
    "evaluate": ("training.evaluate", "runtime.calendar"),
    "bundle": ("training.bundle", "runtime.calendar"),
    "predict": ("runtime.predictor", "runtime.calendar"),
}
STAGES = ("ingest", "train", "evaluate", "bundle")


def code_hash(entry: str, library: Traversable | None = None) -> str:
    """The SHA-256 of the names and contents of the files behind one of ENTRIES.

    library: the folder of another version of this package; None is the running package.
    """
    root = library or _running()
    digest = hashlib.sha256()
    for name in code_files(entry, root):
        content = root.joinpath(*name.split("/")).read_bytes()
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def code_files(entry: str, library: Traversable | None = None) -> tuple[str, ...]:
    """The files behind one of ENTRIES and all files of the library that they import, at any depth.

    Imports inside functions count. Imports for type checkers only do not.
    """
    return closure(ENTRIES[entry], library or _running())


def code_hashes(library: Traversable | None = None) -> dict[str, str]:
    """The hash of each of ENTRIES."""
    return {entry: code_hash(entry, library) for entry in ENTRIES}


def closure(modules: Iterable[str], root: Traversable) -> tuple[str, ...]:
    """The files of these modules and of all modules that they import from the library in `root`, sorted."""
    files: set[str] = set()
    todo = [name for module in modules for name in _files_of(tuple(module.split(".")), root)]
    while todo:
        name = todo.pop()
        if name not in files:
            files.add(name)
            todo += _imported(name, root)
    return tuple(sorted(files))


@functools.cache
def _running() -> Traversable:
    return resources.files(__package__ or "")


def _files_of(parts: tuple[str, ...], root: Traversable) -> list[str]:
    """The file of a module and the `__init__.py` of each package above it, without the library's own `__init__.py`."""
    above = ["/".join([*parts[:depth], "__init__.py"]) for depth in range(1, len(parts))]
    for name in ("/".join(parts) + ".py", "/".join([*parts, "__init__.py"])):
        if parts and root.joinpath(*name.split("/")).is_file():
            return [*above, name]
    return []


def _imported(name: str, root: Traversable) -> Iterator[str]:
    package = tuple(name.split("/")[:-1])
    for level, module, names in _relative_imports(root.joinpath(*name.split("/")).read_bytes()):
        base = (*package[: len(package) - level + 1], *module)
        yield from _files_of(base, root)
        for one in names:
            yield from _files_of((*base, one), root)


@functools.cache  # most files are behind several entries, and parsing takes longest
def _relative_imports(source: bytes) -> tuple[tuple[int, tuple[str, ...], tuple[str, ...]], ...]:
    """The level, the module and the names of each relative import."""
    return tuple(
        (node.level, tuple(node.module.split(".")) if node.module else (), tuple(one.name for one in node.names))
        for node in _nodes(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.level
    )


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes except those under `if TYPE_CHECKING:`, which only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for otherwise in node.orelse:
                yield otherwise
                yield from _nodes(otherwise)
            continue
        yield node
        yield from _nodes(node)
