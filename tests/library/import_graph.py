"""Who imports whom in the library, read from its code: the rules that hold, and the picture in docs/architecture.md.

A room is a folder at the top of the library; the modules beside the folders are rooms by themselves. Imports inside
functions and those for type checkers count as any other.

Write the picture anew with `python -m library.import_graph` in the folder `tests`.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "{{cookiecutter.project}}/vendor/modelyard/src/modelyard"
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "```mermaid\n", "```\n"

FACADE = ""  # the library's own __init__.py, which names what projects import
VERSION = "__version__"  # the one name of it that a module may take
LEAVES = frozenset({"errors", "extras", "git", "markdown", "code", "versions"})

# Which rooms each room may import; one may also import what these may.
BELOW: Mapping[str, frozenset[str]] = {
    "errors": frozenset(),
    "extras": frozenset(),
    "versions": frozenset({"errors"}),
    "git": frozenset({"errors"}),
    "markdown": frozenset(),
    "code": frozenset(),
    "command": frozenset({"errors"}),
    "clone": frozenset({"vendoring"}),
    "github": frozenset({"errors", "git", "markdown", "versions"}),
    "vendoring": LEAVES,
    "runtime": LEAVES,
    "serving": frozenset({"runtime"}),
    "training": frozenset({"runtime"}),
    "judging": frozenset({"training", "github", "clone", "command"}),
    "reporting": frozenset({"judging"}),
    "proving": frozenset({"judging"}),
    "production": frozenset({"reporting", "serving"}),
    "releasing": frozenset({"proving", "reporting", "vendoring"}),
    "deploying": frozenset({"releasing"}),
    "testing": frozenset({"serving", "reporting"}),
    "maturity": frozenset({"deploying", "production", "testing"}),
    "cli": frozenset({"command", "runtime", "vendoring"}),
    FACADE: frozenset({"cli", "training"}),
}
# What a room or a module may import beside the standard library; others may import anything.
PACKAGES: Mapping[str, frozenset[str]] = {
    "runtime": frozenset({"numpy", "onnxruntime", "pyarrow", "confluent_kafka", "redis"}),
    "serving": frozenset({"numpy", "msgspec", "uvicorn", "httptools", "jwt"}),
    **dict.fromkeys((*LEAVES, "command", "clone", "cli", "github", "vendoring", FACADE), frozenset[str]()),
    "releasing.registry": frozenset(),
    "deploying.deployment": frozenset(),
    "production.gauges": frozenset(),
    "production.relay": frozenset(),
}
# Packages of an extra, which a module imports inside functions only
OPTIONAL: Mapping[str, frozenset[str]] = {"runtime": frozenset({"pyarrow", "confluent_kafka", "redis"})}


@dataclass(frozen=True)
class Import:
    """One import: of a module of the library by its dotted path there, or of a package of others.

    names: what is taken from a module of the library. lazy: whether it is inside a function.
    """

    target: str
    inside: bool
    names: tuple[str, ...] = ()
    lazy: bool = False


class Library:
    """The modules in a folder that is a package, by their dotted paths in it."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.paths = {self._module(path.relative_to(folder)): path for path in sorted(folder.rglob("*.py"))}
        self.trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in self.paths.items()}
        self.imports = {module: list(self._imports(module)) for module in self.paths}

    @staticmethod
    def _module(path: Path) -> str:
        parts = path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports(self, module: str) -> Iterator[Import]:
        lazy = {
            id(node)
            for function in ast.walk(self.trees[module])
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for node in ast.walk(function)
        }
        package = module.split(".") if module else []
        if self.paths[module].name != "__init__.py":
            package = package[:-1]
        for node in ast.walk(self.trees[module]):
            if isinstance(node, ast.Import):
                yield from (Import(alias.name, inside=False, lazy=id(node) in lazy) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield Import(str(node.module), inside=False, lazy=id(node) in lazy)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1]
                base = ".".join([*above, *(node.module.split(".") if node.module else ())])
                for alias in node.names:
                    child = f"{base}.{alias.name}".lstrip(".")
                    target, names = (child, ()) if child in self.paths else (base, (alias.name,))
                    if (target, alias.name) != (FACADE, VERSION):
                        yield Import(target, inside=True, names=names, lazy=id(node) in lazy)

    def reached(self, module: str) -> set[str]:
        """A module and all of the library that it imports, at any depth."""
        reached: set[str] = set()
        todo = [module]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo += [one.target for one in self.imports.get(name, ()) if one.inside]
        return reached

    def room_edges(self) -> dict[str, set[str]]:
        """For each room, the other rooms that it imports."""
        edges: dict[str, set[str]] = {room(module): set() for module in self.paths}
        for module, imported in self.imports.items():
            edges[room(module)] |= {room(one.target) for one in imported if one.inside} - {room(module)}
        return edges


def room(module: str) -> str:
    """The room of a module."""
    return module.partition(".")[0]


@functools.cache
def below(name: str) -> frozenset[str]:
    """The rooms that a room may import, at any depth, and itself."""
    return frozenset({name}).union(*(below(other) for other in BELOW[name]))


def broken_rules(library: Library) -> list[str]:
    """Each import that breaks a rule, as `module imports target: rule`."""
    return [
        *_broken_order(library),
        *_circles(library),
        *_forbidden_packages(library),
        *_absolute(library),
        *_handed_on(library),
    ]


def _broken_order(library: Library) -> Iterator[str]:
    for module, imported in library.imports.items():
        if room(module) not in BELOW:
            yield f"{module}: a room that import_graph.py does not know"
            continue
        for one in imported:
            if one.inside and room(one.target) not in below(room(module)):
                yield f"{module} imports {one.target or library.name}: an arrow that does not go down"


def _circles(library: Library) -> Iterator[str]:
    try:
        TopologicalSorter(
            {module: {one.target for one in imported if one.inside} for module, imported in library.imports.items()}
        ).prepare()
    except CycleError as error:
        yield f"a circle: {' > '.join(error.args[1])}"


def _forbidden_packages(library: Library) -> Iterator[str]:
    for module, imported in library.imports.items():
        places = [place for place in PACKAGES if module == place or module.startswith(f"{place}.")]
        if module and FACADE in places:
            places.remove(FACADE)
        for one in imported:
            package = one.target.partition(".")[0]
            if one.inside or package in sys.stdlib_module_names or not places:
                continue
            place = max(places, key=len)
            if package not in PACKAGES[place] or (package in OPTIONAL.get(place, ()) and not one.lazy):
                yield f"{module} imports {one.target}: it may not need that package"


def _absolute(library: Library) -> Iterator[str]:
    for module, imported in library.imports.items():
        for one in imported:
            if not one.inside and one.target.partition(".")[0] == library.name:
                yield f"{module} imports {one.target}: an absolute import of the library itself"


def _handed_on(library: Library) -> Iterator[str]:
    """A name is imported from where it is defined."""
    for module, imported in library.imports.items():
        for one in imported:
            if not one.inside:
                continue
            if one.target not in library.paths:
                yield f"{module} imports {one.target}: there is no such module"
                continue
            defined = set(_defined(library.trees[one.target]))
            for name in one.names:
                if name not in defined:
                    yield f"{module} imports {name} from {one.target or library.name}: it is not defined there"


def _defined(tree: ast.Module) -> Iterator[str]:
    """The names that the top of a module defines and does not import."""
    for node in _statements(tree.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (leaf.id for leaf in ast.walk(target) if isinstance(leaf, ast.Name))


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those under `if` and `try` too."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _statements(node.body)
            yield from _statements(node.orelse)


def needed_packages(library: Library, module: str) -> set[str]:
    """What a module needs beside the standard library, with all that it imports at any depth."""
    return {
        one.target.partition(".")[0]
        for reached in library.reached(module)
        for one in library.imports.get(reached, ())
        if not one.inside
    } - sys.stdlib_module_names


def picture(library: Library) -> str:
    """The rooms and their imports as a Mermaid flowchart; what a longer way says as well is left out."""
    names = {name: "leaves" if name in LEAVES else name for name in BELOW if name != FACADE}
    edges: dict[str, set[str]] = {}
    for name, others in library.room_edges().items():
        if name != FACADE:
            edges.setdefault(names[name], set()).update(names[other] for other in others if other != FACADE)
    edges = {name: others - {name} for name, others in edges.items()}
    lines = ["flowchart TD", f'  leaves["{", ".join(sorted(LEAVES))}"]']
    for name in sorted(edges):
        lines += [f"  {name} --> {other}" for other in sorted(_direct(edges, name))]
    return "\n".join(lines) + "\n"


def _direct(edges: Mapping[str, set[str]], name: str) -> set[str]:
    """The rooms that a room imports and that no other room in between imports for it."""

    def reach(start: str) -> set[str]:
        return {start}.union(*(reach(other) for other in edges.get(start, ())))

    return {
        other for other in edges[name] if not any(other in reach(middle) for middle in edges[name] if middle != other)
    }


def block(page: str) -> str:
    """The picture that a page holds."""
    return page.split(BEGIN)[1].split(END)[0]


def main() -> None:
    """Write the picture into the page."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.replace(block(page), picture(Library(LIBRARY))), encoding="utf-8")


if __name__ == "__main__":
    main()
