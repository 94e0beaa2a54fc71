"""What the wheel of a model carries of the library, so that it needs no index that has `modelyard`.

The folders that answer rows, serve and train, and what ships the log, go into `<package>/_modelyard/`, as they are:
their imports are relative, so two models that were built with two versions of the library work in one process. In the
copies of the project's own modules each import of `modelyard` becomes an import of that folder.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import YardError

LIBRARY = Path(__file__).parent.parent
INSIDE = "_modelyard"  # the library's folder in the package of a project
FILES = (
    "__init__.py",
    "cli.py",
    "code.py",
    "command.py",
    "errors.py",
    "extras.py",
    "git.py",
    "markdown.py",
    "py.typed",
)
ROOMS = ("runtime", "serving", "training")
SHIPPING = tuple(
    f"production/{name}.py" for name in ("__init__", "gauges", "layout", "ship", "shipping", "ssh_files", "store")
)
VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def inline(package: Path, library: Path = LIBRARY) -> dict[str, bytes]:
    """The files to put into the wheel, by their path in the package: the library's, and rewritten modules.

    package: the folder of the project's package. library: the folder of `modelyard`; without it, of the one that runs.

    Raises YardError where a module's import of the library cannot be rewritten, or where the library's licence is not
    beside it.
    """
    made = {f"{INSIDE}/{name}": content for name, content in _carried(library)}
    version = VERSION.findall(made[f"{INSIDE}/__init__.py"].decode())
    made[f"{INSIDE}/LICENSE"] = _licence(library)
    made[f"{INSIDE}/VERSION"] = f"modelyard {' '.join(version)}\n".encode()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith(f"{INSIDE}/"):
            before = path.read_text(encoding="utf-8")
            after = rewrite(before, name.count("/"), f"{package.name}/{name}")
            if after != before:
                made[name] = after.encode()
    return made


def _carried(library: Path) -> Iterator[tuple[str, bytes]]:
    for name in (*FILES, *SHIPPING):
        yield name, (library / name).read_bytes()
    for room in ROOMS:
        for path in sorted((library / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(library).as_posix(), path.read_bytes()


def _licence(library: Path) -> bytes:
    """The library's licence: beside `src` in its source folder, in its metadata where it is installed."""
    installed = sorted(library.parent.glob("modelyard-*.dist-info"))
    for path in (library.parent.parent / "LICENSE", *(folder / "licenses/LICENSE" for folder in installed)):
        if path.is_file():
            return path.read_bytes()
    raise YardError(f"the licence of the library is not beside {library}; run `make setup`")


def rewrite(text: str, depth: int, name: str) -> str:
    """A module in which imports of `modelyard` are relative, its other lines unchanged.

    depth: how many packages inside the project's package the module is in. name: the module's file, for messages.

    Raises YardError where an import of the library is not on one line.
    """
    lines = text.split("\n")
    place = "." * (depth + 1) + INSIDE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_library(node.module):
            _replace(lines, node, re.compile(r"from\s+modelyard\b"), f"from {place}", name)
        elif isinstance(node, ast.Import) and any(_is_library(alias.name) for alias in node.names):
            relative = "; ".join(statement for alias in node.names for statement in _relative(alias, place))
            _replace(lines, node, re.compile(re.escape(ast.unparse(node))), relative, name)
    return "\n".join(lines)


def _replace(lines: list[str], node: ast.stmt, written: re.Pattern[str], relative: str, name: str) -> None:
    """Put the relative import in the place of what begins a statement."""
    line = lines[node.lineno - 1].encode()  # ast counts columns in bytes
    before, statement = line[: node.col_offset].decode(), line[node.col_offset :].decode()
    matched = written.match(statement)
    if not matched:
        raise YardError(
            f"{name}:{node.lineno}: write this import of modelyard on one line with single spaces, as a formatter "
            "does: the build of the model's wheel makes it relative"
        )
    lines[node.lineno - 1] = before + relative + statement[matched.end() :]


def _relative(alias: ast.alias, place: str) -> Iterator[str]:
    """The statements that bind what one name of an `import` statement binds."""
    if not _is_library(alias.name):
        yield f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
        return
    above, _, last = alias.name.replace("modelyard", place, 1).rpartition(".")
    above = above if above.strip(".") else place[: -len(INSIDE)]
    if alias.asname:
        yield f"from {above} import {last} as {alias.asname}"
        return
    yield f"from {place[: -len(INSIDE)]} import {INSIDE} as modelyard"
    if alias.name != "modelyard":  # importing the module makes it an attribute of its package
        yield f"from {above} import {last} as _{alias.name.replace('.', '_')}"


def _is_library(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] == "modelyard"
