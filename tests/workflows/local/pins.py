"""Third-party actions: the one commit of each that may be used, the inputs it knows, and what stands in for it here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .documents import FOLDER, load

HERE = Path(__file__).parent.parent
STAND_INS = HERE / "actions"
# Repositories that workflows check out at a commit to run what is in them, and that have a stand-in too
STAND_FOR = {"iterative/cml": "a3a66c74b218b08710f42bf599b066e37cb4cba7"}


@dataclass(frozen=True)
class Action:
    """A third-party action at its commit, with what it declares there and the inputs that it cannot do without."""

    name: str
    commit: str
    inputs: tuple[str, ...]
    required: tuple[str, ...]
    outputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    @property
    def stand_in(self) -> Path:
        """The folder of what runs here in its place."""
        return STAND_INS / self.name.replace("/", "-")

    def refuses(self, given: Mapping[str, Any]) -> list[str]:
        """What is wrong with these inputs; GitHub would only warn, and the action go on without them."""
        known = {name.lower() for name in self.inputs}
        unknown = [f"has no input {name!r}" for name in given if name.lower() not in known]
        there = {name.lower() for name in given}
        return unknown + [f"needs the input {name!r}" for name in self.required if name.lower() not in there]


def table() -> dict[str, Action]:
    """Each action that may be used, by "owner/name"."""
    return {
        name: Action(name, about["commit"], tuple(about["inputs"]), tuple(about["required"]), tuple(about["outputs"]))
        for name, about in load((HERE / "actions.yml").read_text()).items()
    }


def problems(tree: Path) -> list[str]:
    """What is wrong with the actions that a repository's workflows and composite actions use."""
    known = table()
    found = []
    for path, step in _steps(tree):
        uses, given = str(step["uses"]), step.get("with") or {}
        where = f"{path.relative_to(tree)}: {uses}"
        if uses.startswith("./"):
            found += [f"{where} {wrong}" for wrong in _local(tree / uses, given)]
            continue
        name, _, commit = uses.partition("@")
        action = known.get(name)
        if not action:
            found.append(f"{where} is not among the actions that may be used")
        elif commit != action.commit:
            found.append(f"{where} is not pinned to {action.commit}")
        elif not (action.stand_in / "action.yml").exists():
            found.append(f"{where} has nothing that stands in for it here")
        else:
            found += [f"{where} {wrong}" for wrong in action.refuses(given)]
    return found


def _local(folder: Path, given: Mapping[str, Any]) -> list[str]:
    file = folder / "action.yml"
    if not file.exists():
        # another repository's action, checked out beside: it is not here to be read
        return []
    declared = load(file.read_text()).get("inputs") or {}
    needed = [name for name, about in declared.items() if about and about.get("required") and "default" not in about]
    return Action("", "", tuple(declared), tuple(needed)).refuses(given)


def _steps(tree: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for path in sorted((tree / FOLDER).glob("*.y*ml")):
        for job in (load(path.read_text()).get("jobs") or {}).values():
            for step in job.get("steps") or ():
                if "uses" in step:
                    yield path, step
    for path in sorted((tree / ".github/actions").glob("**/action.yml")):
        for step in load(path.read_text())["runs"].get("steps") or ():
            if "uses" in step:
                yield path, step
