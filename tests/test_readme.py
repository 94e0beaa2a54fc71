"""Each command that a README or a how-to page gives is run here as it stands, or by the test that is named here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from modelyard.deploying.deploy import parser

from projects import BIN, ROOT, Project, clone_of, generate, made_once, make_small, run

INSIDE = ROOT / "{{cookiecutter.project}}"
PAGES = [path for path in sorted(INSIDE.glob("d*/**/*.md")) if path.name != "model-card.md"]
NOT_HERE = {"make test"}  # is what runs this
# What a page's commands need before them, in a clone of a project whose pipeline has run
SETTINGS = {"pull-requests.md": "export REF=HEAD", "your-data.md": "git config user.name me"}
# The beginning of each command that is not run here, and the file that runs it
ELSEWHERE = {
    "docker ": "release/test_packages.py",
    "curl ": "release/test_packages.py",
    "'{": "release/test_packages.py",  # the second line of curl
    "./<project>-1.2.0.pyz ": "release/test_packages.py",
    "make image": "release/test_packages.py",
    "make package ": "release/conftest.py",
    "make accept ": "release/test_packages.py",
    "make verify": "release/test_packages.py",
    "make deploy ": "release/test_deploy.py",
    "git tag ": "workflows/test_whole_release.py",
    "export GH_TOKEN=...": "workflows/test_doctor.py",
    "make github": "workflows/test_doctor.py",
    "kubectl ": "test_kubernetes.py",
    "python -m <package> key ": "library/serving/test_key.py",
    "make contract SOURCE='postgresql:": "test_make.py",
    "make upgrade": "test_cruft.py",
    "git diff HEAD --stat": "test_cruft.py",
    "python3 vendor/yard diff ": "test_cruft.py",
    "python3 vendor/yard check": "test_cruft.py",
    "python3 vendor/yard hashes": "test_cruft.py",
    "python3 vendor/yard relay ": "library/production/test_relay.py",
    "make eject": "test_cruft.py",
    "make lock setup APPLY=1": "test_cruft.py",
    "make lock UPGRADE=scikit-learn": "test_make.py",
    "mkdir -m 700 tls ": "release/test_cluster.py",
    "PIPELINE_IMAGE=": "release/test_cluster.py",
    "export DASK_": "release/test_cluster.py",
    "make tune TRIALS=40": "release/test_cluster.py",
}


def commands(page: Path) -> list[str]:
    """The lines of a page's shell blocks, fenced or indented, without their comments."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"(?:^    .*\n)+", plain, re.MULTILINE)
    return [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def where(command: str) -> str | None:
    """The file of tests that runs a command; None where it is run here."""
    return next((file for start, file in ELSEWHERE.items() if command.startswith(start)), None)


def run_here(page: Path) -> list[str]:
    """The commands of a page that no other test runs."""
    return [line for line in commands(page) if where(line) is None]


def shell(folder: Path, lines: list[str], env: dict[str, str]) -> str:
    """What the lines print in one shell that stops at the first that fails."""
    return run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], folder, env)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy of the template as a person clones it, beside nothing."""
    root = tmp_path / "clone/modelyard"
    ignored = shutil.ignore_patterns(".venv", "demo", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, root, ignore=ignored)
    make_small(Project(root / INSIDE.name))
    return root


@pytest.mark.xdist_group("regression")
def test_the_commands_of_the_template_run(template: Path) -> None:
    lines = [line for line in commands(template / "README.md") if line not in NOT_HERE]
    assert lines[0] == "make demo"
    assert len(lines) == len(set(lines)) == 4
    printed = shell(template, lines, {"ANSWERS": "--no-input --default-config", "HOME": str(template.parent)})
    assert printed.count("| roc_auc | 0.") == 2
    assert "reports/report.html" in printed
    demo = Project(template / "demo/flight-delays")
    assert demo.git("status", "--porcelain") == ""
    assert "up to date" in demo.run("dvc", "status")


@pytest.mark.xdist_group("classification")
def test_the_commands_of_a_project_run_on_a_machine_without_uv(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {})
    make_small(project)
    project.commit("Take a few months")
    lines = commands(project.root / "README.md")
    assert len(lines) > 6
    outside = tmp_path / "elsewhere"
    subprocess.run([sys.executable, "-m", "venv", outside], check=True)
    (project.root / "rows.json").write_text("[]")
    assert not [line for line in lines if where(line)]
    made = [line for line in lines if "predict" not in line]
    path = {"PATH": f"{outside / 'bin'}:/usr/local/bin:/usr/bin:/bin"}
    printed = shell(project.root, made, path)
    assert "The report is in reports/report.html" in printed
    table = printed.rpartition("| Experiment")[2]
    assert "| 0.05 " in table
    assert "| 50 " in table
    probe = json.loads((project.root / "bundle/probe.json").read_text())
    (project.root / "rows.json").write_text(json.dumps(probe["rows"]))
    answered = shell(project.root, [line for line in lines if "predict" in line], path)
    assert [json.loads(line)["prediction"] for line in answered.splitlines()] == probe["answers"]


def own_data(folder: Path) -> None:
    """Write `my.csv`: prices of 600 flats."""
    draw = np.random.default_rng(1)
    size, floor = draw.uniform(20, 150, 600), draw.integers(0, 6, 600)
    lines = [
        f"{a:.1f},{b},{3 * a + 10 * b + e:.1f}" for a, b, e in zip(size, floor, draw.normal(0, 5, 600), strict=True)
    ]
    (folder / "my.csv").write_text("\n".join(["size,floor,price", *lines, ""]))


@pytest.mark.xdist_group("classification")
@pytest.mark.parametrize("page", [page for page in PAGES if run_here(page)], ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = run_here(page)
    clone = clone_of(made_once("classification", tmp_path_factory), tmp_path)
    own_data(clone.root)
    printed = clone.run("bash", "-euo", "pipefail", "-c", "\n".join([SETTINGS.get(page.name, ":"), *lines]))
    assert page.name != "your-data.md" or "| rmse |" in printed


def test_each_other_command_names_the_test_that_runs_it() -> None:
    given = {line for page in PAGES for line in commands(page)}
    for start, file in ELSEWHERE.items():
        assert any(line.startswith(start) for line in given), f"no page gives {start}"
        assert (ROOT / "tests" / file).is_file(), start


def test_the_commands_that_deploy_are_what_the_verb_takes() -> None:
    lines = [line for line in commands(INSIDE / "docs/operations.md") if line.startswith("make deploy ")]
    actions = [parser().parse_args(shlex.split(shlex.split(line)[2].removeprefix("ARGS="))).action for line in lines]
    assert actions == ["staging", "canary", "status", "promote", "rollback"]


def test_every_make_target_that_a_document_names_is_there() -> None:
    # the template's documents name commands of a project as well
    for documents, makefiles in (
        ([INSIDE / "README.md", *PAGES], [INSIDE]),
        ([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")], [ROOT, INSIDE]),
    ):
        texts = [(folder / "Makefile").read_text() for folder in makefiles]
        lines = [line for text in texts for line in re.findall(r"^([a-z -]+):", text, re.MULTILINE)]
        known = {target for line in lines for target in line.split()}
        for document in documents:
            named = re.findall(r"`make ([a-z -]+)", document.read_text())
            assert {target for line in named for target in line.split()} - {"and"} <= known, document


def test_help_lists_every_target(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {}, {"MODELYARD_NO_LOCK": "1"})
    for folder in (ROOT, project.root):
        text = (folder / "Makefile").read_text().replace("\\\n", " ")
        targets = {name for line in re.findall(r"^\.PHONY: (.*)", text, re.MULTILINE) for name in line.split()}
        printed = run(["make", "help"], folder, {"PATH": f"{BIN}:/usr/bin:/bin"})
        # two targets may share a rule and its line
        assert {
            name for name in targets if re.search(rf"^([a-z]+ )*{name}( [a-z]+)* ", printed, re.MULTILINE)
        } == targets
