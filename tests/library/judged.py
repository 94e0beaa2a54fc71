"""Projects in which a report can be made: a bundle, main's beside it, and the gate's verdict."""

from __future__ import annotations

import csv
import hashlib
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from modelyard.reporting.evidence import Evidence, gather
from modelyard.training.metrics import HIGHER_IS_BETTER, PRIMARY


@dataclass(frozen=True)
class Judged:
    """A project's folder with a bundle, and main's in `champion/bundle` where there is one."""

    root: Path

    @property
    def bundle(self) -> Path:
        """The bundle to report on."""
        return self.root / "bundle"

    @property
    def main(self) -> Path:
        """Main's bundle."""
        return self.root / "champion/bundle"

    def metrics(self, bundle: Path) -> dict[str, Any]:
        """The values on the holdout that a bundle claims."""
        found = json.loads((bundle / "metrics.json").read_text())["holdout"]
        return {name: one["value"] for name, one in found.items()}

    def rewrite(self, path: Path, change: Callable[[Any], Any]) -> None:
        """Change a JSON file of a bundle, and the manifest's hash of it."""
        content = json.loads(path.read_text())
        change(content)
        self.replace(path, json.dumps(content))

    def replace(self, path: Path, text: str) -> None:
        """Replace a file of a bundle, and the manifest's hash of it."""
        path.write_text(text, encoding="utf-8")
        if path.name != "manifest.json":
            self._list(path)

    def take_from_main(self, name: str) -> None:
        """Replace a file of the bundle by main's, and the manifest's hash of it."""
        shutil.copyfile(self.main / name, self.bundle / name)
        self._list(self.bundle / name)

    def _list(self, path: Path) -> None:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.rewrite(path.parent / "manifest.json", lambda manifest: manifest["files"].update({path.name: digest}))

    def judge(self, verdict: str = "blocked", half: float = 0.001, **other: Any) -> dict[str, Any]:
        """Write a verdict on the two bundles, as the gate writes it; each interval is so much to both sides."""
        main, this = self.metrics(self.main), self.metrics(self.bundle)
        kind = json.loads((self.bundle / "manifest.json").read_text())["kind"]
        name = PRIMARY[kind]
        found = {
            "format": 1,
            "verdict": verdict,
            "reason": "all 2 rules of the policy are kept",
            "champion": {"bundle": digest(self.main), "from": "main at 1a2b3c4, from the DVC cache"},
            "challenger": {"bundle": digest(self.bundle)},
            "rules": [
                rule(
                    f"{name} not worse than the champion's",
                    {"ships": True, "blocked": False, "unjudged": None}[verdict],
                ),
                rule("bundle at most 100 MB", True),
            ],
            "comparison": {
                "rows": 1355,
                "draws": 1000,
                "groups": 31,
                "periods": ["2013-11", "2013-12"],
                "confidence": 0.95,
                "metrics": {
                    one: difference(main[one], this[one], half, HIGHER_IS_BETTER[one])
                    for one in main
                    if None not in (main[one], this[one])
                },
                "slices": [
                    {"column": "origin", "slice": value, "rows": 900, "metric": name, "kept": by <= 0}
                    | difference(0.5, 0.5 + by, half, False)
                    for value, by in (("EWR", -0.1), ("JFK", 0.2), ("LGA", 0.0))
                ],
                "curves": {"roc": {"x": [0, 0.5, 1], "champion": [0, 0.8, 1], "challenger": [0, 0.7, 1]}}
                if kind == "binary"
                else {},
            },
            "notes": [],
        } | other
        (self.root / "reports").mkdir(exist_ok=True)
        (self.root / "reports/verdict.json").write_text(json.dumps(found), encoding="utf-8")
        return found

    def gather(self) -> Evidence:
        """What there is to report on."""
        return gather(self.root)


def rule(text: str, kept: bool | None, line: int = 3) -> dict[str, Any]:
    """A rule as the verdict holds it."""
    found = "0.39 MB" if kept else "worse by 0.0212 (0.0180 to 0.0240)"
    return {"rule": text, "policy": f"policy.yaml line {line}: `margin: 0.0`", "found": found, "kept": kept}


def difference(champion: float, challenger: float, half: float, higher: bool) -> dict[str, Any]:
    """A difference as the verdict holds it."""
    by = challenger - champion
    ends = {"difference": by, "low": by - half, "high": by + half}
    return {"champion": champion, "challenger": challenger, **ends, "higher_is_better": higher}


def digest(bundle: Path) -> str:
    """The bundle's identity."""
    return hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()


@pytest.fixture
def new_rule() -> Callable[..., dict[str, Any]]:
    """Makes rules as the verdict holds them."""
    return rule


def challenge(made: Any, root: Path) -> Judged:
    """A project whose model learned from the last three periods only, beside main's, which learned from all."""
    shutil.copytree(made.root, root)
    shutil.copytree(root / "bundle", root / "champion/bundle")
    workspace = type(made)(root)
    workspace.edit(split={"window": 3})
    workspace.run()
    return Judged(root)


@pytest.fixture(scope="session")
def challenged(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A challenger and main's model; it is shared, so it is not to be changed."""
    return challenge(made, tmp_path_factory.mktemp("challenged") / "flights")


@pytest.fixture
def project(challenged: Judged, tmp_path: Path) -> Judged:
    """A challenger and main's model, of one's own and not judged yet."""
    shutil.copytree(challenged.root, tmp_path / "flights")
    return Judged(tmp_path / "flights")


@pytest.fixture
def alone(made: Any, tmp_path: Path) -> Judged:
    """A model of one's own with no other beside it."""
    shutil.copytree(made.root, tmp_path / "flights")
    return Judged(tmp_path / "flights")


HOSTILE = [
    "a|b|c",
    "`tick` ``two",
    "line\nbreak\r\n\n# title",
    "<script>alert(1)</script>",
    "</details></summary><img src=x onerror=alert(1)>",
    "@someone",
    "#12",
    "https://example.org/x",
    "www.example.org",
    'say "hi"',
    "%%{init: {'theme': 'dark'}}%%",
    "semi;colon; %% comment",
    "$\\frac{1}{x}$",
    "ünï←中文🎉" * 9,
    "x" * 3000,
    "] --> 5",
    "---",
    "&lt;b&gt; &#35; &quot;",
    "\\",
    "\\|",
    "**bold** _it_ ~~no~~ [a](b) ![c](d)",
    "\u202eturned\u2066",
    "\x1b[31mred\x00",
    "```mermaid",
    "",
    " ",
]

CONTROL = dict.fromkeys([*range(32), 127])  # in a name, the contract refuses these


@pytest.fixture(scope="session")
def monster(challenged: Judged, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """A project of 1,000 columns, 500 slices, 120 periods and 300 categories with the worst of names, all different.

    It is shared, so nothing but its reports is to be changed.
    """
    project = Judged(tmp_path_factory.mktemp("monster") / "flights")
    shutil.copytree(challenged.root, project.root)
    seeded = random.Random(1)  # noqa: S311

    def name(number: int) -> str:
        return f"{HOSTILE[number % len(HOSTILE)]}{number}{seeded.choice(HOSTILE)}"

    names = [name(number) for number in range(1000)]
    columns = [name.translate(CONTROL) for name in names]
    categories = [name(number) for number in range(300)]
    for turn, folder in enumerate((project.main, project.bundle)):
        _enlarge(project, folder, names, columns, categories, turn)
    by = difference(0.5, 0.7, 0.1, False)
    slices = [
        {
            "column": columns[number],
            "slice": categories[number % 300],
            "rows": 900,
            "metric": "log_loss",
            "kept": number % 2 > 0,
        }
        | (by if number % 7 else dict.fromkeys(by))
        for number in range(500)
    ]
    verdict = project.judge(
        rules=[rule(f"log_loss not worse where {name}", number % 3 == 0, number) for number, name in enumerate(names)],
        notes=names[:100],
    )
    project.judge(
        rules=verdict["rules"],
        notes=verdict["notes"],
        reason=" ".join(names),
        champion=verdict["champion"] | {"from": names[3] + names[5]},
        comparison=verdict["comparison"] | {"slices": slices},
    )
    return project


def _enlarge(
    project: Judged, folder: Path, names: list[str], columns: list[str], categories: list[str], turn: int
) -> None:
    """Make a bundle as large as they get; another `turn` has other values everywhere."""

    def contract(held: dict[str, Any]) -> None:
        target = {"late": held["columns"]["late"]}
        plain = {**held["columns"]["distance"], "minimum": turn, "maximum": None}
        listed = {**held["columns"]["origin"], "values": categories[turn:]}
        held["columns"] = {one: listed if number % 3 else plain for number, one in enumerate(columns)} | target
        held["slices"], held["owner"] = [], names[turn]

    def manifest(held: dict[str, Any]) -> None:
        held["params"] |= {one: f"{turn}{one}" for one in names[:300]}
        periods = [f"{year}-{month:02}" for year in range(2010, 2020) for month in range(1, 13)]
        held["data"]["periods"] = {one: {"rows": 10**9 + turn, "sha256": str(turn)} for one in periods}
        held["code"] = {f"pipeline/{one}.py": str(turn) for one in names[:300]}
        held["environment"]["packages"] = {one: f"{turn}{one}" for one in names[:300]}
        held["training"]["validation_periods"] = periods

    def distribution(number: int) -> dict[str, Any]:
        if number % 3:
            shares = [1.0 if place == (number + turn) % 299 else 0.0 for place in range(300 - turn)]
            return {"missing": 0.0, "values": dict(zip(categories[turn:], shares, strict=True))}
        return {"missing": 0.5 * turn, "edges": [10.0 * turn + one for one in range(11)], "shares": [0.1] * 10}

    project.rewrite(folder / "contract.json", contract)
    project.rewrite(folder / "manifest.json", manifest)
    reference = {name: distribution(number) for number, name in enumerate(columns)}
    project.replace(folder / "reference.json", json.dumps(reference))
    with (folder / "importance.csv").open("w", encoding="utf-8", newline="") as opened:
        written = csv.writer(opened)
        written.writerow(["input", "loss", "std"])
        written.writerows([name, 1 - number / 900 + turn, 0.1] for number, name in enumerate(columns))
    project.replace(folder / "importance.csv", (folder / "importance.csv").read_text(encoding="utf-8"))
