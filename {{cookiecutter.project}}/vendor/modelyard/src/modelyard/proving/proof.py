"""What proving a commit found: the comparison of what it holds with what its source gives, and the verdict.

The rule is to believe nothing that was not looked at:

- identical: retraining gave every output the hash that the commit's dvc.lock has for it.
- different: some output says something else, or the lock was not made from this commit.
- equivalent: some outputs have other bytes, each of these was looked at, and all say the same: the same words, numbers
  within TOLERANCE (see tolerance.py), the same rows of data, and models that answer the bundle's probe set alike.
- unjudged: something could not be run, or an output with other bytes could not be had, so that its hash is the lock's
  word and no more. It never counts as passed.

What an output was is taken from Git where Git holds it, and else from DVC's cache, where its hash must be right. A
bundle that is in neither has one more chance: see `reassemble`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..runtime.contract import ContractError
from ..training import layout
from ..markdown import markdown_table
from ..runtime.hashing import sha256
from ..markdown import code, prose
from .tolerance import TOLERANCE, Difference, Tolerance, compare_files, compare_values, compare_words

PROOF = Path("reports/prove.json")
EXIT = {"nothing": 0, "identical": 0, "equivalent": 0, "different": 1, "unjudged": 2}
SHOWN = 20
HASH = re.compile(r"\b([0-9a-f]{8})(?:[0-9a-f]{24}|[0-9a-f]{56})(?:\.dir)?\b")  # of which the start is enough
FIRST = [layout.LEDGER, layout.METRICS, layout.SLICES, layout.TRAINING]  # what a person wants to read first
MANIFEST = "manifest.json"

Word = Literal["nothing", "identical", "equivalent", "different", "unjudged"]
Answers = Callable[[Path], list[float]]


@dataclass(frozen=True)
class Proof:
    """The verdict on one commit.

    differences: where the two sides do not agree, which are `sides` in words. environment: where the committed bundle
    names another environment than this one; that alone is no difference. rewritten: the outputs that have other bytes.
    """

    verdict: Word
    reason: str
    commit: str | None = None
    differences: tuple[Difference, ...] = ()
    environment: tuple[Difference, ...] = ()
    rewritten: tuple[str, ...] = ()
    sides: tuple[str, str] = ("committed", "retrained")

    @property
    def exit(self) -> int:
        """The status with which `prove` ends: 0 proven or nothing to prove, 1 different, 2 could not be judged."""
        return EXIT[self.verdict]

    def to_json(self) -> str:
        """The proof as `reports/prove.json` holds it."""
        return json.dumps({"format": 1, **asdict(self)}, indent=1, ensure_ascii=False, default=str) + "\n"

    def to_markdown(self) -> str:
        """The verdict, the differences and what else is to be known."""
        head, *rest = self.reason.splitlines()
        parts = [f"**{self.verdict.capitalize()}:** {prose(head, 600)}", *(code(line, 300) for line in rest)]
        for title, sides, found in self._tables():
            lines = [[code(one.where, 120), *(code(side) for side in shown(one))] for one in found[:SHOWN]]
            parts.append(markdown_table([title, *sides], lines))
            if len(found) > SHOWN:
                parts.append(f"{len(found) - SHOWN:,} more are in `{PROOF}`.")
        return "\n\n".join(parts) + "\n"

    def to_text(self) -> str:
        """The same for a terminal."""
        lines = [f"{self.verdict}: {self.reason}"]
        if len(self.differences) == 1 and tell(self.differences[0], self.sides) in self.reason:
            return lines[0]
        for title, sides, found in self._tables():
            lines += [f"  {title}: {tell(one, sides)}" for one in found[:SHOWN]]
            if len(found) > SHOWN:
                lines.append(f"  and {len(found) - SHOWN:,} more, in {PROOF}")
        return "\n".join(lines)

    def _tables(self) -> Iterator[tuple[str, tuple[str, str], tuple[Difference, ...]]]:
        if self.differences:
            yield "difference", self.sides, self.differences
        if self.environment:
            yield "environment", ("committed", "retrained"), self.environment


def tell(one: Difference, sides: tuple[str, str] = ("committed", "retrained")) -> str:
    """A difference in words."""
    before, now = shown(one)
    return f"{one.where}: {before} {sides[0]}, {now} {sides[1]}"


def shown(one: Difference) -> list[str]:
    """Both sides of a difference in a few characters."""
    sides = [one.committed, one.retrained]
    if all(isinstance(side, float) for side in sides):
        short = [f"{side:.4f}" for side in sides]
        return short if short[0] != short[1] else [repr(side) for side in sides]
    return ["nothing" if side is None else HASH.sub(r"\1", str(side)) for side in sides]


def compare(
    committed: Path, retrained: Path, outs: Iterable[str], answers: Answers
) -> tuple[list[Difference], list[Difference]]:
    """What these outputs say otherwise under the two roots, and in which environment they were made otherwise.

    answers: what an ONNX model says to the probe set of the retrained bundle.
    """
    manifest = _json(retrained / layout.BUNDLE / MANIFEST)
    tolerance = Tolerance(relative=manifest.get("kind") == "regression")
    found: list[Difference] = []
    compared: set[tuple[str, str]] = set()
    for path in sorted(outs, key=_rank):
        for name in _names(committed / path, retrained / path):
            pair = committed / path / name, retrained / path / name
            if missing := [side for side in pair if not side.is_file()]:
                sides = ["nothing" if side in missing else "a file" for side in pair]
                found.append(Difference(f"{path}/{name}".rstrip("/"), *sides))
                continue
            hashes = sha256(pair[0]), sha256(pair[1])
            if hashes not in compared:  # the bundle has copies of what was compared before
                compared.add(hashes)
                found += _compare_file(Path(path), name, *pair, tolerance, answers)
        if Path(path) == layout.BUNDLE:
            found += _unlisted(committed / path)
    environment = []
    if made := _json(committed / layout.BUNDLE / MANIFEST):
        environment = environment_differences(made, manifest)
    return found, environment


def _compare_file(
    out: Path, name: str, committed: Path, retrained: Path, tolerance: Tolerance, answers: Answers
) -> Iterator[Difference]:
    where = (out / name).as_posix()
    if sha256(committed) == sha256(retrained):
        return
    if committed.suffix == ".onnx":
        yield from _compare_models(where, committed, retrained, tolerance, answers)
    elif out == layout.BUNDLE and name == MANIFEST:
        yield from _compare_manifests(where, committed, retrained, tolerance)
    elif out == layout.BUNDLE and committed.suffix == ".md":
        yield from _compare_cards(where, committed, retrained, tolerance)
    else:
        exact = Tolerance(amount=0) if out == layout.PERIODS else tolerance
        yield from compare_files(where, committed, retrained, exact)


def _compare_models(
    where: str, committed: Path, retrained: Path, tolerance: Tolerance, answers: Answers
) -> Iterator[Difference]:
    now = answers(retrained)
    try:
        before = answers(committed)
    except ContractError as error:
        yield Difference(where, f"no answer to the probe set ({error})", "answers")
        return
    # in the unit of the answers, an answer near nothing must not be held to its own size
    bound = TOLERANCE * (max(map(abs, now), default=0) if tolerance.relative else 1)
    apart = [(abs(one - other), one, other) for one, other in zip(before, now, strict=False)]
    off = [gap for gap in apart if not gap[0] <= bound]
    if len(before) != len(now):
        yield Difference(f"{where}: answers to the probe set", len(before), len(now))
    elif off:
        yield Difference(f"{where}: {len(off)} of {len(now)} answers to the probe set, at most", *max(off)[1:])


def _unlisted(bundle: Path) -> Iterator[Difference]:
    """The files of a bundle that are not what its manifest says of them."""
    listed = _json(bundle / MANIFEST).get("files") or {}
    for path in sorted(bundle.iterdir()):
        if path.name != MANIFEST and listed.get(path.name) != sha256(path):
            yield Difference(f"{layout.BUNDLE}/{MANIFEST}: files.{path.name}", listed.get(path.name), sha256(path))


def _compare_manifests(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    # the environment may differ; the hashes of the files follow from these, each of which is compared
    left_out = dict.fromkeys(("environment", "files"))
    yield from compare_values(where, _json(committed) | left_out, _json(retrained) | left_out, tolerance)


def _compare_cards(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    """Compare two model cards, which may name the environment that they were made in."""
    before, now = (path.read_text(encoding="utf-8") for path in (committed, retrained))
    found = list(compare_words(where, before, now, tolerance))
    if found:
        manifests = (_json(path.with_name(MANIFEST)) for path in (committed, retrained))
        for one in environment_differences(*manifests):
            before = before.replace(str(one.committed), str(one.retrained))
        yield from found if list(compare_words(where, before, now, tolerance)) else []


def environment_differences(committed: dict[str, Any], retrained: dict[str, Any]) -> list[Difference]:
    """In what two manifests say that they were made in another environment."""
    before, now = ({"environment": made.get("environment", {})} for made in (committed, retrained))
    found = compare_values("", before, now, Tolerance(amount=0))
    places = ((one.where.removeprefix(": environment."), one) for one in found)
    return [Difference(place.removeprefix("packages."), one.committed, one.retrained) for place, one in places]


def _names(*folders: Path) -> list[str]:
    """The files of an output under either root, by their paths in it; of an output that is one file, nothing."""
    names = {path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()}
    return sorted(names) or [""]


def _rank(path: str) -> tuple[int, str]:
    if Path(path) == layout.BUNDLE:
        return len(FIRST) + 1, path
    return FIRST.index(Path(path)) if Path(path) in FIRST else len(FIRST), path


def _json(path: Path) -> dict[str, Any]:
    """The mapping in a file; an empty one where there is none, so that all of what was expected differs."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
