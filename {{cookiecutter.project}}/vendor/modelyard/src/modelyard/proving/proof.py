"""The result of proving a commit: the comparison of its outputs with those retrained from its source, and the verdict.

Nothing is trusted that was not compared:

- identical: retraining gave every output the hash that the commit's dvc.lock has for it.
- different: the content of some output differs, or the lock was not made from this commit.
- equivalent: some outputs have other bytes; each of them was compared, and their content is the same: the same words,
  numbers within TOLERANCE (see tolerance.py), the same rows of data, and models of the same structure (graphs.py) with
  the same answers to every row of the data and to rows with missing, unknown and extreme values (every_row.py).
- unjudged: something could not be run, or the committed version of an output with other bytes is not available, so
  that only its hash in the lock is known. It never counts as passed; settle.py says when it need not be had.

Committed outputs come from Git if Git holds them, else from DVC's cache, where they must have their hash.

Two outputs are special. `model/environment.json` names the environment of the training; another environment is not a
difference. The bundle includes it, so in another environment the bundle has another hash: it is assembled again from
the committed outputs, and if it then has the hash of the lock, it needs no comparison.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..markdown import code, markdown_table, prose
from ..runtime.hashing import sha256
from ..training import layout
from .graphs import compare_models
from .tolerance import Difference, Tolerance, compare_files, compare_values, compare_words

PROOF = Path("reports/prove.json")
EXIT = {"nothing": 0, "identical": 0, "equivalent": 0, "different": 1, "unjudged": 2}
SHOWN = 20
HASH = re.compile(r"\b([0-9a-f]{8})(?:[0-9a-f]{24}|[0-9a-f]{56})(?:\.dir)?\b")  # shortened to its first digits
FIRST = [layout.LEDGER, layout.METRICS, layout.SLICES, layout.TRAINING, layout.MODEL]  # shown first
MANIFEST = "manifest.json"

Word = Literal["nothing", "identical", "equivalent", "different", "unjudged"]
CompareAnswers = Callable[[str, Path, Path], Iterable[Difference]]


@dataclass(frozen=True)
class Proof:
    """The verdict on one commit.

    differences: those between the two sides, which `sides` names. environment: the differences between the committed
    environment and this one; they do not affect the verdict. rewritten: the outputs that have other bytes. absent:
    those of them whose committed version is not on this machine.
    """

    verdict: Word
    reason: str
    commit: str | None = None
    differences: tuple[Difference, ...] = ()
    environment: tuple[Difference, ...] = ()
    rewritten: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    sides: tuple[str, str] = ("committed", "retrained")

    @property
    def exit(self) -> int:
        """The exit status of `prove`: 0 proven or nothing to prove, 1 different, 2 could not be judged."""
        return EXIT[self.verdict]

    def to_json(self) -> str:
        """The content of `reports/prove.json`."""
        return json.dumps({"format": 1, **asdict(self)}, indent=1, ensure_ascii=False, default=str) + "\n"

    def to_markdown(self) -> str:
        """The verdict and the differences."""
        head, *rest = self.reason.splitlines()
        parts = [f"**{self.verdict.capitalize()}:** {prose(head, 600)}", *(code(line, 300) for line in rest)]
        for title, sides, differences in self._tables():
            lines = [
                [code(difference.where, 120), *(code(side) for side in both_sides(difference))]
                for difference in differences[:SHOWN]
            ]
            parts.append(markdown_table([title, *sides], lines))
            if len(differences) > SHOWN:
                parts.append(f"{len(differences) - SHOWN:,} more are in `{PROOF}`.")
        return "\n\n".join(parts) + "\n"

    def to_text(self) -> str:
        """The verdict and the differences as plain text, for a terminal."""
        lines = [f"{self.verdict}: {self.reason}"]
        if len(self.differences) == 1 and in_words(self.differences[0], self.sides) in self.reason:
            return lines[0]
        for title, sides, differences in self._tables():
            lines += [f"  {title}: {in_words(difference, sides)}" for difference in differences[:SHOWN]]
            if len(differences) > SHOWN:
                lines.append(f"  and {len(differences) - SHOWN:,} more, in {PROOF}")
        return "\n".join(lines)

    def _tables(self) -> Iterator[tuple[str, tuple[str, str], tuple[Difference, ...]]]:
        if self.differences:
            yield "difference", self.sides, self.differences
        if self.environment:
            yield "environment", ("committed", "retrained"), self.environment


def in_words(difference: Difference, sides: tuple[str, str] = ("committed", "retrained")) -> str:
    """A difference in words."""
    before, now = both_sides(difference)
    return f"{difference.where}: {before} {sides[0]}, {now} {sides[1]}"


def both_sides(difference: Difference) -> list[str]:
    """Both sides of a difference as short texts."""
    sides = [difference.committed, difference.retrained]
    if all(isinstance(side, float) for side in sides):
        short = [f"{side:.4f}" for side in sides]
        return short if short[0] != short[1] else [repr(side) for side in sides]
    return ["nothing" if side is None else HASH.sub(r"\1", str(side)) for side in sides]


def compare(
    committed: Path, retrained: Path, outs: Iterable[str], answers: CompareAnswers
) -> tuple[list[Difference], list[Difference]]:
    """The differences in the content of these outputs under the two roots, and those of the environments.

    answers: the differences between the answers of two ONNX models, a committed and a retrained one.
    """
    manifest = _json(retrained / layout.BUNDLE / MANIFEST)
    tolerance = Tolerance(relative=manifest.get("kind") == "regression")
    differences: list[Difference] = []
    compared: set[tuple[str, str]] = set()
    for path in sorted({*outs} - {layout.ENVIRONMENT.as_posix()}, key=_rank):
        for name in _names(committed / path, retrained / path):
            pair = committed / path / name, retrained / path / name
            if missing := [side for side in pair if not side.is_file()]:
                sides = ["nothing" if side in missing else "a file" for side in pair]
                differences.append(Difference(f"{path}/{name}".rstrip("/"), *sides))
                continue
            hashes = sha256(pair[0]), sha256(pair[1])
            if hashes not in compared:  # the bundle has copies of files that were compared before
                compared.add(hashes)
                differences += _compare_file(Path(path), name, *pair, tolerance, answers)
        if Path(path) == layout.BUNDLE:
            differences += _unlisted(committed / path)
    return differences, environment_differences(_environment(committed), _environment(retrained))


def _compare_file(
    out: Path, name: str, committed: Path, retrained: Path, tolerance: Tolerance, answers: CompareAnswers
) -> Iterator[Difference]:
    where = (out / name).as_posix()
    if sha256(committed) == sha256(retrained):
        return
    if committed.suffix == ".onnx":
        yield from answers(where, committed, retrained)
        yield from compare_models(where, committed, retrained, tolerance)
    elif out == layout.BUNDLE and name == MANIFEST:
        environment = _environment(committed.parents[1])
        yield from _compare_manifests(where, committed, retrained, environment, tolerance)
    elif out == layout.BUNDLE and committed.suffix == ".md":
        yield from _compare_cards(where, committed, retrained, tolerance)
    else:
        exact = Tolerance(amount=0) if out == layout.PERIODS else tolerance
        yield from compare_files(where, committed, retrained, exact)


def _unlisted(bundle: Path) -> Iterator[Difference]:
    """The files of a bundle whose hashes differ from those in its manifest."""
    listed = _json(bundle / MANIFEST).get("files") or {}
    for path in sorted(bundle.iterdir()):
        if path.name != MANIFEST and listed.get(path.name) != sha256(path):
            yield Difference(f"{layout.BUNDLE}/{MANIFEST}: files.{path.name}", listed.get(path.name), sha256(path))


def _compare_manifests(
    where: str, committed: Path, retrained: Path, environment: dict[str, Any], tolerance: Tolerance
) -> Iterator[Difference]:
    # the environment must be the committed one; hashes are left out, because each file is compared itself
    before, now = _json(committed) | {"files": None}, _json(retrained) | {"files": None, "environment": environment}
    yield from compare_values(where, before, now, tolerance)


def _compare_cards(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    """Compare two model cards, which may name the environment that they were made in."""
    before, now = (path.read_text(encoding="utf-8") for path in (committed, retrained))
    differences = list(compare_words(where, before, now, tolerance))
    if differences:
        environments = (_json(path.with_name(MANIFEST)).get("environment", {}) for path in (committed, retrained))
        for difference in environment_differences(*environments):
            before = before.replace(str(difference.committed), str(difference.retrained))
        yield from differences if list(compare_words(where, before, now, tolerance)) else []


def environment_differences(committed: dict[str, Any], retrained: dict[str, Any]) -> list[Difference]:
    """The differences between two environments; none if the commit names no environment."""
    differences = compare_values("", committed, retrained, Tolerance(amount=0)) if committed else ()
    places = ((difference.where.removeprefix(": "), difference) for difference in differences)
    return [
        Difference(place.removeprefix("packages."), difference.committed, difference.retrained)
        for place, difference in places
    ]


def _environment(root: Path) -> dict[str, Any]:
    """The environment of the training under a root; from the bundle if the commit is older than the file."""
    return _json(root / layout.ENVIRONMENT) or _json(root / layout.BUNDLE / MANIFEST).get("environment", {})


def _names(*folders: Path) -> list[str]:
    """The files of an output under either root, by their paths in it; an empty path if the output is a file."""
    names = {path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()}
    return sorted(names) or [""]


def _rank(path: str) -> tuple[int, str]:
    if Path(path) == layout.BUNDLE:
        return len(FIRST) + 1, path
    return FIRST.index(Path(path)) if Path(path) in FIRST else len(FIRST), path


def _json(path: Path) -> dict[str, Any]:
    """The mapping in a file; an empty one if there is none, so that every expected value differs."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
