"""Each command that a README gives is run here as it stands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import BIN, ROOT, Project, generate, run

NOT_HERE = {"make test"}  # is what runs this
WITH_DOCKER = ("docker ", "curl ", "'{", "make image", "./")  # tests/release/test_packages.py runs them
ON_GITHUB = {"export GH_TOKEN=...", "make github", "make github APPLY=1"}  # tests/workflows/test_doctor.py runs it


def commands(readme: Path) -> list[str]:
    """The lines of the README's shell blocks without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", readme.read_text(), re.MULTILINE | re.DOTALL)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def shell(folder: Path, lines: list[str], env: dict[str, str]) -> str:
    """What the lines print in one shell that stops at the first that fails."""
    return run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], folder, env)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy of the template as a person clones it, beside nothing."""
    root = tmp_path / "clone/trainyard"
    ignored = shutil.ignore_patterns(".venv", "demo", "__pycache__", ".*_cache", ".made")
    shutil.copytree(ROOT, root, ignore=ignored)
    return root


@pytest.mark.xdist_group("regression")
def test_the_commands_of_the_template_run(template: Path) -> None:
    lines = [line for line in commands(template / "README.md") if line not in NOT_HERE]
    assert lines[0] == "make demo"
    assert len(lines) == len(set(lines)) == 4
    printed = shell(template, lines, {"ANSWERS": "--no-input --default-config", "HOME": str(template.parent)})
    assert "| roc_auc | 0.70" in printed
    assert "reports/report.html" in printed
    demo = Project(template / "demo/flight-delays")
    assert demo.git("status", "--porcelain") == ""
    assert "up to date" in demo.run("dvc", "status")


@pytest.mark.xdist_group("classification")
def test_the_commands_of_a_project_run_on_a_machine_without_uv(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {})
    lines = commands(project.root / "README.md")
    assert len(lines) > 6
    outside = tmp_path / "elsewhere"
    subprocess.run([sys.executable, "-m", "venv", outside], check=True)
    (project.root / "rows.json").write_text("[]")
    assert set(lines) >= ON_GITHUB
    lines = [line for line in lines if not line.startswith(WITH_DOCKER)]
    made = [line for line in lines if "predict" not in line and line not in ON_GITHUB]
    path = {"PATH": f"{outside / 'bin'}:/usr/local/bin:/usr/bin:/bin"}
    printed = shell(project.root, made, path)
    assert "The report is in reports/report.html" in printed
    probe = json.loads((project.root / "bundle/probe.json").read_text())
    (project.root / "rows.json").write_text(json.dumps(probe["rows"]))
    answered = shell(project.root, [line for line in lines if "predict" in line], path)
    assert [json.loads(line)["prediction"] for line in answered.splitlines()] == probe["answers"]


def test_every_make_target_that_a_readme_names_is_there() -> None:
    inside = ROOT / "{{cookiecutter.project}}"
    # the template's README tells of the commands of a project as well
    for readme, makefiles in {inside: [inside], ROOT: [ROOT, inside]}.items():
        texts = [(folder / "Makefile").read_text() for folder in makefiles]
        known = {target for text in texts for target in re.findall(r"^([a-z-]+):", text, re.MULTILINE)}
        named = re.findall(r"`make ([a-z -]+)", (readme / "README.md").read_text())
        assert {target for line in named for target in line.split()} - {"and"} <= known


def test_help_lists_every_target(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {}, {"TRAINYARD_NO_LOCK": "1"})
    for folder in (ROOT, project.root):
        targets = set(re.findall(r"^\.PHONY: ([a-z-]+)", (folder / "Makefile").read_text(), re.MULTILINE))
        listed = {
            line.split()[0] for line in run(["make", "help"], folder, {"PATH": f"{BIN}:/usr/bin:/bin"}).splitlines()
        }
        assert listed == targets
