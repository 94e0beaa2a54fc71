"""Workflow files are read by three others before GitHub does: actionlint, zizmor, and GitHub's own language service."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from npm import node, npm
from ruamel.yaml import YAML
from test_rendering import CHOICES, render

from projects import BIN, ROOT, run

LANGUAGE = Path(__file__).parent / "language"
# Each option by itself: test_rendering.py has all combinations, and the workflow files have no variable in them
OPTIONS = [{}, *({name: value} for name, values in CHOICES.items() for value in values)]


def files(root: Path) -> dict[str, str]:
    """What GitHub reads of a repository, by path."""
    return {path.relative_to(root).as_posix(): path.read_text() for path in (root / ".github").rglob("*.y*ml")}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A project for each different set of workflow files that some combination of answers gives."""
    found: dict[str, Path] = {}
    for number, answers in enumerate(OPTIONS):
        root = render(tmp_path_factory.mktemp(str(number)), answers)
        known = json.dumps(files(root), sort_keys=True)
        if known in found:
            shutil.rmtree(root)
        else:
            subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)  # the linters look for its top
            found[known] = root
    return list(found.values())


def lint(*command: str | Path, root: Path) -> str:
    """What a linter found, if it found something."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


def findings(root: Path) -> list[str]:
    """What actionlint and zizmor find in a repository."""
    audited = lint(BIN / "zizmor", "--offline", "--strict-collection", "--quiet", ".", root=root)
    return list(filter(None, [lint(BIN / "actionlint", root=root), audited]))


def test_the_linters_find_nothing_in_a_project_with_any_answers(rendered: list[Path]) -> None:
    assert [found for root in rendered for found in findings(root)] == []


def test_what_zizmors_strictest_personas_say_is_what_the_page_gives_reasons_for(rendered: list[Path]) -> None:
    page = (ROOT / "docs/trust.md").read_text().partition("strictest personas")[2]
    told = re.findall(r"^\| `([a-z-]+)` \| (pedantic|auditor) \| .{20}", page, re.MULTILINE)
    found = {persona: {rule for root in rendered for rule in audited(root, persona)} for persona in dict(told).values()}
    found["auditor"] -= found["pedantic"]
    assert found == {name: {rule for rule, persona in told if persona == name} for name in ("pedantic", "auditor")}


def audited(root: Path, persona: str) -> set[str]:
    """The rules of zizmor that something breaks, as that persona sees it."""
    command = [
        BIN / "zizmor",
        "--offline",
        "--strict-collection",
        "--quiet",
        "--format",
        "json",
        "--persona",
        persona,
        ".",
    ]
    config = ["--config", ".github/zizmor.yml"]
    done = subprocess.run([*command, *config], cwd=root, capture_output=True, text=True, check=False)
    return {finding["ident"] for finding in json.loads(done.stdout) if not finding["ignored"]}


def test_they_find_nothing_in_a_project_in_a_folder_of_its_repository(rendered: list[Path], tmp_path: Path) -> None:
    root = tmp_path / "models/flights"
    shutil.copytree(rendered[0], root, ignore=shutil.ignore_patterns(".git"))
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    path = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    printed = run(["make", "--old-file=setup", "RUN=", "workflows"], root, path)
    assert "zizmor --config" in printed


def test_the_linters_find_nothing_in_the_template(tmp_path: Path) -> None:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("needs: scope", "needs: scoop"),
        ("contents: read", "contents: reed"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7"),
        ("run: python3 vendor/yard scope", "run: echo ${{ github.head_ref }}"),
    ],
)
def test_the_linters_find_what_is_planted(rendered: list[Path], tmp_path: Path, old: str, new: str) -> None:
    root = shutil.copytree(rendered[0] / ".github", tmp_path / ".github").parent
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    path = root / ".github/workflows/ci.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert findings(root)


def test_every_workflow_keeps_what_act_does_not_enforce(rendered: list[Path]) -> None:
    for path in (path for root in rendered for path in (root / ".github/workflows").glob("*.yml")):
        workflow = YAML(typ="safe").load(path)
        assert workflow["permissions"] == {}, path.name
        # those of deploy.yml wait for their environments, one by one
        alone = any("concurrency" in job for job in workflow["jobs"].values())
        if not alone:
            assert set(workflow["concurrency"]) - {"queue"} == {"group", "cancel-in-progress"}, path.name
        for name, job in workflow["jobs"].items():
            assert not (alone and "environment" in job and "concurrency" not in job), (path.name, name)
            assert 5 <= job["timeout-minutes"] <= 120, (path.name, name)
            assert "write-all" not in str(job.get("permissions")), (path.name, name)


def validated(root: Path, folder: Path) -> str:
    """What GitHub's language service finds in the workflows and actions of a repository."""
    script = shutil.copytree(LANGUAGE, folder / "language") / "validate.mjs"
    npm(script.parent, "install", "--ignore-scripts")
    paths = [path for name in ("workflows/*.yml", "actions/*/action.yml") for path in (root / ".github").glob(name)]
    assert paths
    return node(script, *paths)


def test_githubs_language_service_finds_nothing(rendered: list[Path], tmp_path: Path) -> None:
    for number, root in enumerate([*rendered, ROOT]):
        assert validated(root, tmp_path / str(number)) == ""


def test_githubs_language_service_finds_what_is_planted(rendered: list[Path], tmp_path: Path) -> None:
    root = shutil.copytree(rendered[0] / ".github", tmp_path / ".github").parent
    path = root / ".github/workflows/train.yml"
    path.write_text(path.read_text().replace("runs-on:", "runs_on:", 1))
    assert "Required property is missing: runs-on" in validated(root, tmp_path)
