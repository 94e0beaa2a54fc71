"""Whether `dvc.yaml` runs the stages of the library and declares all files and parameters that they read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..code import STAGES
from ..runtime.project import Project
from ..training import layout
from ..training.strict_yaml import read_yaml
from ..vendoring.versions import VERSIONS

SEEDED = ("seed", "threads", "split")
PARAMS = {
    "ingest": ("source", "period", "watermark"),
    "train": (*SEEDED, "model"),
    "evaluate": (*SEEDED, "evaluate"),
    "bundle": ("source", "period", "watermark", *SEEDED, "model", "evaluate", "cause"),
}
DATA = (layout.PERIODS, layout.LEDGER)
DEPS = {
    "ingest": (),
    "train": DATA,
    "evaluate": (*DATA, layout.MODEL, layout.TRAINING, layout.VALIDATION),
    "bundle": (
        *DATA,
        *(layout.CARD, layout.MODEL, layout.TRAINING, layout.REFERENCE),
        *(layout.METRICS, layout.SLICES, layout.CALIBRATION, layout.IMPORTANCE),
    ),
}
CONTRACT = Path("contract.yaml")
HASHES = "vendor/yard.json"
# one machine's memory, and what people write
NOT_MADE = {layout.SEEN, layout.CARD, layout.CORRECTIONS}


@dataclass(frozen=True)
class Stage:
    """One stage of `dvc.yaml`: paths from the project's folder, parameters by file."""

    name: str
    command: str
    deps: set[Path]
    outs: set[Path]
    params: dict[str, set[str]]

    def covers(self, path: Path) -> bool:
        """Whether a file, or a folder that contains it, is among its deps."""
        return bool(self.deps & {path, *path.parents})


def read_stages(root: Path) -> dict[str, Stage]:
    """The stages of the library in `dvc.yaml`, by name. Raises AssertionError if one is missing."""
    __tracebackhide__ = True
    stages = read_yaml(root / "dvc.yaml")["stages"]
    for name in STAGES:
        assert name in stages, f"dvc.yaml: the stage {name} is missing; the stages are: {', '.join(STAGES)}"
    return {name: _stage(name, stages[name]) for name in STAGES}


def check_commands(root: Path, project: Project) -> None:
    """Each stage runs the verb of its name."""
    __tracebackhide__ = True
    for name, stage in read_stages(root).items():
        verb = f"-m {project.name} {name}"
        assert verb in stage.command, f"dvc.yaml: stages.{name}.cmd is {stage.command!r}; it must run python {verb}"


def check_params(root: Path, _project: Project) -> None:
    """Each stage depends on the parameters that it reads, on the hash of its own code, and on its packages."""
    __tracebackhide__ = True
    keys = read_yaml(root / "params.yaml").keys()
    for name, stage in read_stages(root).items():
        own = stage.params.get("params.yaml", set())
        for parameter in PARAMS[name]:
            assert parameter in own, f"dvc.yaml: stages.{name}.params must name {parameter}, which the stage reads"
        unknown = sorted(parameter for parameter in own if parameter.partition(".")[0] not in keys)
        assert not unknown, f"dvc.yaml: stages.{name}.params names {unknown[0]}, which params.yaml does not have"
        assert name in stage.params.get(HASHES, set()), (
            f"dvc.yaml: stages.{name}.params must name {HASHES}: [{name}], the hash of the code that it runs"
        )
        assert name in stage.params.get(VERSIONS.as_posix(), set()), (
            f"dvc.yaml: stages.{name}.params must name {VERSIONS}: [{name}], the versions of its packages"
        )


def check_deps(root: Path, project: Project) -> None:
    """Each stage depends on the files that it reads, the project's own modules among them."""
    __tracebackhide__ = True
    package = Path(project.name)
    modules = {path.relative_to(project.folder) for path in project.folder.rglob("*.py")}
    features = own_modules(project.folder, "features.py")
    own = {
        "ingest": set(),
        "train": features | own_modules(project.folder, "model.py"),
        "evaluate": features,
        "bundle": {path for path in modules if path != Path("__main__.py")},
    }
    reviews = [layout.CORRECTIONS] if (root / layout.CORRECTIONS).is_dir() else []
    for name, stage in read_stages(root).items():
        read = reviews if name == "ingest" else []
        for path in (CONTRACT, *DEPS[name], *read, *sorted(package / module for module in own[name])):
            assert stage.covers(path), f"dvc.yaml: stages.{name}.deps must name {path}, which the stage reads"
        absent = sorted(
            str(path) for path in stage.deps if path.parts[0] == project.name and not (root / path).exists()
        )
        assert not absent, f"dvc.yaml: stages.{name}.deps names {absent[0]}, which does not exist"


def check_outs(root: Path, _project: Project) -> None:
    """Every file that a stage writes is among the outs of a stage."""
    __tracebackhide__ = True
    outs = {out for stage in read_stages(root).values() for out in stage.outs}
    places = {place for place in vars(layout).values() if isinstance(place, Path)} - NOT_MADE
    absent = sorted(place.as_posix() for place in places - outs)
    assert not absent, f"dvc.yaml: {absent[0]} is written by a stage and is no out of any"


def own_modules(package: Path, entry: str) -> set[Path]:
    """A module of the package and all modules of the package that it imports, at any depth, by their paths."""
    files: set[Path] = set()
    todo = [package / entry]
    while todo:
        path = todo.pop()
        if path not in files:
            files.add(path)
            todo += _imported(path, package)
    return {path.relative_to(package) for path in files}


def _imported(path: Path, package: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
            named = [package.parent.joinpath(*name.split(".")) for name in modules if _inside(name, package)]
        elif isinstance(node, ast.ImportFrom) and (node.level or _inside(node.module or "", package)):
            folder = path.parents[node.level - 1] if node.level else package.parent
            folder = folder.joinpath(*(node.module or "").split("."))
            named = [folder, *(folder / alias.name for alias in node.names)]
        else:
            continue
        for place in named:
            yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())


def _inside(name: str, package: Path) -> bool:
    return name.partition(".")[0] == package.name


def _stage(name: str, stage: dict[str, Any]) -> Stage:
    def paths(*keys: str) -> set[Path]:
        entries = [entry for key in keys for entry in stage.get(key, [])]
        names = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
        return {Path(path) for path in names}

    params: dict[str, set[str]] = {}
    for entry in stage.get("params", []):
        for file, keys in ({"params.yaml": [entry]} if isinstance(entry, str) else entry).items():
            params.setdefault(file, set()).update(keys or ())
    return Stage(name, str(stage["cmd"]), paths("deps"), paths("outs", "metrics", "plots"), params)
