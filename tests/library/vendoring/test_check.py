"""`check` builds the library again from the template's commit, and names a wheel that is not what it builds."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from library.vendoring.conftest import Vendored, change_wheel
from templates import Template

from projects import generate


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.create(tmp_path_factory.mktemp("check") / "template")


@pytest.fixture(scope="module")
def generated(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Vendored:
    folder = tmp_path_factory.mktemp("generated")
    project, _ = generate(folder, {}, {"MODELYARD_NO_LOCK": "1"}, template=template.root)
    made = Vendored(project.root)
    lock_wheel(made)
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "Lock")
    return made


@pytest.fixture
def project(generated: Vendored, tmp_path: Path) -> Vendored:
    return Vendored(shutil.copytree(generated.root, tmp_path / generated.root.name))


def lock_wheel(project: Vendored) -> None:
    """A uv.lock that names the vendored wheel and no other package."""
    digest = hashlib.sha256(project.wheel.read_bytes()).hexdigest()
    line = f'wheels = [\n    {{ filename = "{project.wheel.name}", hash = "sha256:{digest}" }},\n]\n'
    (project.root / "uv.lock").write_text(f'[[package]]\nname = "modelyard"\n{line}')


def follow(project: Vendored, **values: str) -> None:
    path = project.root / ".cruft.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_generated_project_is_what_the_template_builds(project, template):
    done = project.yard("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"The vendored library is what {template.root} builds.\n"


def test_wheel_and_lock_changed_together_are_named(project, template):
    change_wheel(project, "judging/gate.py", '"""', '"""Changed. ')
    lock_wheel(project)
    done = project.yard("check")
    assert (done.returncode, done.stdout) == (1, "")
    commit = template.git("rev-parse", "HEAD").strip()[:7]
    wanted = f"{project.wheel.name}: the wheel and uv.lock are not what the template's commit {commit} builds"
    assert done.stderr.startswith(f"different: {wanted}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["vendor/yard", "vendor/yard.json"])
def test_a_changed_file_beside_the_wheel_is_named(project, name):
    (project.root / name).write_text((project.root / name).read_text() + "\n")
    done = project.yard("check")
    assert done.returncode == 1
    assert re.search(
        rf"^different: {re.escape(name)} is not what the template's commit \w{{7}} has$", done.stderr, re.M
    )


def test_from_main_a_branch_is_checked_with_mains_library_and_template(project, tmp_path):
    project.git("checkout", "--quiet", "-b", "branch")
    change_wheel(project, "vendoring/check.py", "    if lines:", "    if False:")
    lock_wheel(project)
    follow(project, template=str(tmp_path / "of somebody else"))
    project.git("commit", "--quiet", "--all", "--message", "Forge the library")
    project.git("checkout", "--quiet", "main")
    done = project.yard("check", "--ref", "branch")
    assert done.returncode == 1
    assert "different: .cruft.json names another template: " in done.stderr
    assert "the wheel and uv.lock are not what the template's commit" in done.stderr
    assert project.yard("check").returncode == 0
    assert project.yard("check", "--ref", "main").returncode == 0


def test_a_commit_that_no_branch_of_the_template_has_is_not_trusted(project, template, tmp_path):
    clone = template.copy(tmp_path / "template")
    clone.git("checkout", "--quiet", "--detach")
    commit = clone.change("README.md", "#", "##")
    clone.git("checkout", "--quiet", "main")
    follow(project, template=str(clone.root), commit=commit)
    done = project.yard("check")
    assert done.returncode == 2
    assert done.stderr == f"cannot be checked: no branch or tag of {clone.root} has the commit {commit[:12]}\n"


def test_code_of_the_template_does_not_run(project, template, tmp_path):
    clone = template.copy(tmp_path / "template")
    proof = tmp_path / "ran"
    module = "vendor/modelyard/src/modelyard/vendoring/wheel.py"
    commit = clone.change(module, "import base64", f"open({str(proof)!r}, 'w')\nimport base64")
    follow(project, template=str(clone.root), commit=commit)
    assert project.yard("check").returncode == 1
    assert not proof.exists()


def test_a_template_in_a_folder_of_its_repository(project, template, tmp_path):
    clone = template.copy(tmp_path / "template")
    (clone.root / "inside").mkdir()
    clone.git("mv", "cookiecutter.json", "{{cookiecutter.project}}", "inside")
    follow(project, template=str(clone.root), commit=clone.commit("Move"), directory="inside")
    assert project.yard("check").returncode == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"template": "/no/such/template"}, "the library at "),
        ({"commit": "0" * 40}, "no branch or tag of "),
        (None, "there is no .cruft.json, which names the template's commit: `uvx cruft link URL` makes it"),
        ({}, ".cruft.json cannot be read: "),
    ],
)
def test_what_cannot_be_checked_ends_with_2(project, values, message):
    if values is None:
        (project.root / ".cruft.json").unlink()
    elif values:
        follow(project, **values)
    else:
        (project.root / ".cruft.json").write_text("[]")
    done = project.yard("check")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cannot be checked: {message}")


def test_an_ejected_library_is_the_projects_own(project):
    assert project.yard("eject").returncode == 0
    done = project.yard("check")
    assert done.returncode == 2
    assert done.stderr == "cannot be checked: vendor/modelyard/ is ejected: its code is the project's own\n"


def test_two_wheels_of_a_merge_are_named(project):
    shutil.copyfile(project.wheel, project.root / "vendor/modelyard-0.9.0-py3-none-any.whl")
    assert project.yard("check").returncode == 1  # the launcher refuses
