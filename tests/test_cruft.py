"""A project follows its template: cruft creates, checks and updates it, and a conflict is left to a person."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from library.vendoring.raise_version import current_version
from templates import Template

from projects import BIN, ROOT, Project, generate, run

NOW = current_version(ROOT)  # of the library


@pytest.fixture
def template(tmp_path: Path) -> Template:
    return Template.create(tmp_path / "template")


@pytest.fixture
def created(template: Template, tmp_path: Path) -> Project:
    """A project that cruft created; .cruft.json is in its first commit."""
    cruft(tmp_path, "create", str(template.root), "--no-input", "--output-dir", str(tmp_path / "out"))
    return Project(tmp_path / "out/flight-delays")


def cruft(folder: Path, *arguments: str, ok: bool = True) -> str:
    """What cruft printed."""
    return run([BIN / "cruft", *arguments], folder, {"MODELYARD_NO_LOCK": "1"}, ok)


def test_a_created_project_is_committed_and_up_to_date(created: Project) -> None:
    assert created.git("log", "--format=%s").splitlines() == ["Generate the project"]
    assert created.git("status", "--porcelain") == ""
    assert "up to date" in cruft(created.root, "check")


def test_a_check_finds_a_newer_template(created: Project, template: Template) -> None:
    template.change("Makefile", "## List the commands", "## List all commands")
    assert "out of date" in cruft(created.root, "check", ok=False)


def test_an_update_brings_the_change_and_nothing_else(created: Project, template: Template) -> None:
    template.change("Makefile", "## List the commands", "## List all commands")
    cruft(created.root, "update", "--skip-apply-ask")
    assert created.git("status", "--porcelain").split() == ["M", ".cruft.json", "M", "Makefile"]
    assert "## List all commands" in (created.root / "Makefile").read_text()
    assert created.git("rev-list", "--count", "HEAD").strip() == "1"


def test_an_update_keeps_what_was_changed_by_hand(created: Project, template: Template) -> None:
    params = created.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.07"))
    created.commit("Learn slower")
    template.change("params.yaml", "bootstrap: 1000", "bootstrap: 2000")
    cruft(created.root, "update", "--skip-apply-ask")
    assert "learning_rate: 0.07" in params.read_text()
    assert "bootstrap: 2000" in params.read_text()


def test_a_conflict_is_left_in_the_tree_for_a_person(created: Project, template: Template) -> None:
    params = created.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.07"))
    created.commit("Learn slower")
    template.change("params.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    cruft(created.root, "update", "--skip-apply-ask")
    assert {line.split()[-1] for line in created.git("ls-files", "--unmerged").splitlines()} == {"params.yaml"}
    assert "<<<<<<<" in params.read_text()
    assert "learning_rate: 0.07" in params.read_text()


def test_an_update_does_not_bring_back_pruned_files(created: Project, template: Template) -> None:
    template.change("licenses/Apache-2.0", "Version 2.0", "Version 2.0 ")
    cruft(created.root, "update", "--skip-apply-ask")
    assert not (created.root / "licenses").exists()
    assert (
        json.loads((created.root / ".cruft.json").read_text())["commit"]
        == run(["git", "rev-parse", "HEAD"], template.root).strip()
    )


def test_a_project_on_one_machine_takes_a_cluster_in_later(created: Project) -> None:
    files = ["deploy/cluster", ".github/workflows/tune.yml"]
    assert not any((created.root / name).exists() for name in files)
    cruft(created.root, "update", "--skip-apply-ask", "--variables-to-update", '{"scale": "cluster"}')
    assert (created.root / "deploy/cluster/compose.yaml").is_file()
    assert '"distributed>=' in (created.root / "pyproject.toml").read_text()
    assert json.loads((created.root / ".cruft.json").read_text())["context"]["cookiecutter"]["scale"] == "cluster"


METRICS = (
    "training/metrics.py",
    "from __future__ import annotations\n",
    "from __future__ import annotations\n\n# newer\n",
)
REPORT = (
    "reporting/page.py",
    "from __future__ import annotations\n",
    "from __future__ import annotations\n\n# newer\n",
)
SOURCES = '[tool.uv.sources]\nours = { path = "../ours" }\n\n[tool.uv.sources.modelyard]'
MINE = {  # what a team changes, beside lines that the template may change
    "flight_delays/features.py": ("\n\ndef features", "WEEK = 7\n\n\ndef features"),
    "contract.yaml": ("columns:", "# ours\ncolumns:"),
    "policy.yaml": ("champion:", "# ours\nchampion:"),
    "params.yaml": ("learning_rate: 0.1", "learning_rate: 0.07"),
    "pyproject.toml": ("[tool.uv.sources.modelyard]", SOURCES),
    "dvc.yaml": ("stages:", "# ours\nstages:"),
    "Makefile": (".PHONY: help", "OURS = 1\n.PHONY: help"),
    ".github/workflows/ci.yml": ("name:", "# ours\nname:"),
}


def upgrade(project: Project, *arguments: str, ok: bool = True) -> str:
    """What `vendor/yard upgrade` prints."""
    return project.run("python3", "vendor/yard", "upgrade", *arguments, ok=ok)


def lock_alone(project: Project) -> None:
    """A uv.lock and a commit of it."""
    project.run("make", "lock", "APPLY=1")
    project.commit("Lock")


def made_by(how: str, template: Template, folder: Path) -> Project:
    """A project with uv.lock, made by cookiecutter, as `make new` does it, or by cruft."""
    if how == "cookiecutter":
        return generate(folder, {}, template=template.root)[0]
    run([BIN / "cruft", "create", str(template.root), "--no-input", "--output-dir", str(folder)], folder.parent)
    return Project(folder / "flight-delays")


@pytest.mark.parametrize("how", ["cookiecutter", "cruft"])
def test_an_upgrade_over_two_versions_of_the_library_keeps_what_the_team_changed(
    how: str, template: Template, tmp_path: Path
) -> None:
    project = made_by(how, template, tmp_path / "out")
    for name, (old, new) in MINE.items():
        path = project.root / name
        assert old in path.read_text(), name
        path.write_text(path.read_text().replace(old, new, 1))
    (tmp_path / "out/ours").mkdir()
    project.commit("Change what is ours")
    before = json.loads((project.root / "vendor/yard.json").read_text())
    template.release("1.1.0", *REPORT)
    newest = template.release("1.2.0", *METRICS)
    template.change("Makefile", "## List the commands", "## List all commands")
    printed = upgrade(project)
    assert project.git("ls-files", "--unmerged") == ""
    for name, (_, new) in MINE.items():
        assert new in (project.root / name).read_text(), name
    assert "## List all commands" in (project.root / "Makefile").read_text()
    assert [path.name for path in project.root.glob("vendor/*.whl")] == ["modelyard-1.2.0-py3-none-any.whl"]
    assert project.git("rev-list", "--count", "HEAD").strip() == "2"
    after = json.loads((project.root / "vendor/yard.json").read_text())
    assert [name for name in before if before[name] != after[name]] == ["evaluate"]
    assert re.search(rf"^Template: \w{{7}} -> \w{{7}}\. Library: {re.escape(NOW)} -> 1\.2\.0\.$", printed, re.MULTILINE)
    assert "Stages whose code changed, with those after them, run again: evaluate.\n" in printed
    assert "make setup pipeline" in printed
    assert '"modelyard-1.2.0-py3-none-any.whl"' in (project.root / "uv.lock").read_text()
    assert project.run("uv", "lock", "--check", "--quiet") == ""
    project.commit("Upgrade")
    assert project.run("python3", "vendor/yard", "diff", "--ref", "HEAD~1").count("+# newer") == 2
    assert "The vendored library is what" in project.run("python3", "vendor/yard", "check")
    assert newest != json.loads((project.root / ".cruft.json").read_text())["commit"]


def test_an_upgrade_that_changes_reporting_alone_runs_no_stage_again(template: Template, tmp_path: Path) -> None:
    project = made_by("cookiecutter", template, tmp_path / "out")
    before = (project.root / "vendor/yard.json").read_bytes()
    template.release("1.1.0", *REPORT)
    printed = upgrade(project)
    assert "No stage's code changed" in printed
    assert (project.root / "vendor/yard.json").read_bytes() == before
    assert set(project.git("status", "--porcelain").split()) - {"M", "R", "A", "D", "RM", "->"} == {
        *(".cruft.json", "pyproject.toml", "uv.lock"),
        *(f"vendor/modelyard-{version}-py3-none-any.whl" for version in (NOW, "1.1.0")),
    }


def test_an_upgrade_with_a_conflict_is_no_success(template: Template, tmp_path: Path) -> None:
    project = made_by("cookiecutter", template, tmp_path / "out")
    params = project.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.07"))
    project.commit("Learn slower")
    template.change("params.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    printed = upgrade(project, ok=False)
    assert (
        "error: the template and this project changed the same lines; resolve the conflicts in\n  params.yaml\n"
        in printed
    )
    assert "run again" not in printed
    assert "<<<<<<<" in params.read_text()


def test_an_upgrade_reports_what_changed_or_what_conflicts_for_a_workflow(template: Template, tmp_path: Path) -> None:
    project = made_by("cookiecutter", template, tmp_path / "out")
    first = json.loads((project.root / ".cruft.json").read_text())["commit"]
    newest = template.release("1.1.0", *REPORT)
    upgrade(project, "--report", "reports")
    report = project.root / "reports"
    told = json.loads((report / "upgrade.json").read_text())
    assert told == {"from": first, "to": newest, "conflicts": [], "stages": []}
    project.git("reset", "--quiet", "--hard")
    project.git("apply", "--index", "reports/upgrade.patch")
    assert "modelyard-1.1.0-py3-none-any.whl" in project.git("diff", "--cached", "--name-only")
    project.git("reset", "--quiet", "--hard")
    params = project.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.07"))
    project.commit("Learn slower")
    newest = template.change("params.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    (report / "upgrade.patch").unlink()
    upgrade(project, "--report", "reports")
    told = json.loads((report / "upgrade.json").read_text())
    assert told == {"from": first, "to": newest, "conflicts": ["params.yaml"], "stages": []}
    assert not (report / "upgrade.patch").exists()


def test_an_upgrade_to_a_chosen_version(template: Template, tmp_path: Path) -> None:
    project = made_by("cookiecutter", template, tmp_path / "out")
    chosen = template.release("1.1.0", *REPORT)
    template.release("1.2.0", *METRICS)
    assert f"Library: {NOW} -> 1.1.0." in upgrade(project, "--checkout", chosen)


def test_without_a_newer_version_nothing_is_changed(template: Template, tmp_path: Path) -> None:
    project = made_by("cookiecutter", template, tmp_path / "out")
    assert template.git("status", "--porcelain") == ""
    assert "The project has the newest version of its template already." in upgrade(project)
    assert project.git("status", "--porcelain") == ""


def test_a_library_that_was_changed_here_is_no_clean_upgrade(template: Template, created: Project) -> None:
    (wheel,) = created.root.glob("vendor/*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    created.commit("Forge the library")
    template.release("1.1.0", *METRICS)
    printed = upgrade(created, ok=False)
    assert "error: " in printed
    assert "run again" not in printed


def test_what_an_upgrade_needs_is_named(created: Project, tmp_path: Path) -> None:
    (created.root / "notes.txt").touch()
    assert "the working tree has changes; commit them first" in upgrade(created, ok=False)
    (created.root / "notes.txt").unlink()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(str(shutil.which("git")))
    command = [sys.executable, "vendor/yard", "upgrade"]
    printed = run(command, created.root, {"PATH": str(tmp_path / "bin")}, ok=False)
    assert "`upgrade` needs uv, to lock and to run cruft, and it is not on the PATH; install uv" in printed
    created.git("rm", "--quiet", ".cruft.json")
    created.commit("Follow no template")
    assert "there is no .cruft.json" in upgrade(created, ok=False)


def test_an_ejected_project_merges_a_new_library_by_hand(template: Template, tmp_path: Path) -> None:
    project = made_by("cookiecutter", template, tmp_path / "out")
    project.run("python3", "vendor/yard", "eject")
    lock_alone(project)
    template.release("1.1.0", *METRICS)
    printed = upgrade(project, ok=False)
    assert "error: " in printed
    assert "pyproject.toml" in printed
    assert (project.root / "vendor/modelyard/src/modelyard/cli.py").is_file()
