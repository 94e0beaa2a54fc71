"""The page docs/adopt.md, followed on a repository with a script and a CSV file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
from vega_datasets import local_data

from projects import ROOT, Project, run

PAGE = ROOT / "docs/adopt.md"
SCRIPT = "import pandas as pd\n\nprint(pd.read_csv('data.csv').describe())\n"


def old_repository(root: Path) -> Project:
    """A repository with a few commits, of files that a project has too and of others."""
    root.mkdir()
    old = Project(root)
    run(["git", "init", "--quiet", "--initial-branch=main"], root)
    for name, value in (("user.name", "me"), ("user.email", "me@example.invalid")):
        old.git("config", name, value)
    rows = pd.read_json(local_data.cars.filepath).dropna(subset=["Miles_per_Gallon"])
    rows["Year"] = rows["Year"].str[2:4].astype(int)  # of the model
    rows.to_csv(root / "data.csv", index=False)
    (root / ".gitignore").write_text("*.pkl\n")
    (root / "README.md").write_text("Run script.py.\n")
    old.commit("Add the data")
    (root / "script.py").write_text(SCRIPT)
    old.commit("Fit a forest")
    return old


def follow(page: str, old: Project, generated: Path) -> str:
    """Do what the page says; what its commands printed."""
    printed = ""
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        if kind == "sh" and block.startswith("make new "):
            home = {"HOME": str(generated.parent)}
            run(["bash", "-euc", block.replace("../generated", str(generated))], ROOT, home)
        elif kind == "sh":
            printed += old.run("bash", "-euo", "pipefail", "-c", block)
        elif kind == "yaml":
            replace(old.root / "params.yaml", r"^  estimator: .*\n", block)
        elif block.startswith("import "):
            replace(old.package / "features.py", r"^(?=from modelyard import )", block)
        elif block.startswith(" "):
            replace(old.package / "features.py", r"(?=^    return made\n)", block)
        else:
            replace(old.package / "model.py", r"\Z", f"\n\n{block}")
    return printed


def replace(path: Path, pattern: str, text: str) -> None:
    """Put a text in the one place of a file."""
    changed, count = re.subn(pattern, lambda _: text, path.read_text(), flags=re.MULTILINE)
    assert count == 1, path
    path.write_text(changed)


def test_the_page_takes_a_repository_in(tmp_path: Path) -> None:
    old = old_repository(tmp_path / "car-mileage")
    printed = follow(PAGE.read_text(encoding="utf-8"), old, tmp_path / "generated")
    commits = old.git("log", "--format=%s").splitlines()
    assert {"Add the data", "Fit a forest", "Generate the project"} <= set(commits)
    assert commits[0] == "Train the model of script.py"
    assert old.git("log", "--format=%s", "--", "script.py").splitlines()[-1] == "Fit a forest"
    assert old.git("status", "--porcelain") == ""
    assert old.git("ls-files", "data.csv", "data.csv.dvc", ".cruft.json").split() == [".cruft.json", "data.csv.dvc"]
    assert "*.pkl" in (old.root / ".gitignore").read_text()
    training = json.loads((old.root / "model/training.json").read_text())
    assert training["estimator"] == "script"
    assert "power_to_weight" in training["features"]
    assert "README.md" in printed  # which both had
    assert "All checks passed!" in printed
