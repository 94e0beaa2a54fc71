"""Every combination of answers renders to files that are what their names say."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import itertools
import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter
from ruamel.yaml import YAML

from projects import BIN, ROOT, hook

PROMPTS: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text())
CHOICES = {
    "license": PROMPTS["license"],
    "python_version": ["3.11", "3.12", "3.13", "3.14"],
    "task": PROMPTS["task"],
    "dvc_remote": PROMPTS["dvc_remote"],
    "deploy_target": PROMPTS["deploy_target"],
    "scale": PROMPTS["scale"],
}
LEFTOVER = re.compile(r"cookiecutter\.|\{%|\{#|\{\{ ")
TASK_FILES = {"contract.yaml", "policy.yaml", "pyproject.toml"}
NAMES = ["a1", "flight-delays", "a-name-of-forty-characters-in-five-words", "zebra-crossings"]


@functools.cache
def without_library() -> Path:
    """A copy of the template that lacks the library, which no answer changes and which takes most of the time."""
    root = Path(tempfile.mkdtemp(prefix="rendering-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    folder = "{{cookiecutter.project}}"
    shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("modelyard", "__pycache__"))
    shutil.copyfile(ROOT / "cookiecutter.json", root / "cookiecutter.json")
    return root


def render(folder: Path, answers: dict[str, str]) -> Path:
    """A project rendered in this process, pruned as its last hook does it, without the library."""
    # cookiecutter remembers the answers in its home; parallel runs would write over each other's
    config = folder / "config.yaml"
    config.write_text(f"replay_dir: {folder / 'replay'}\ncookiecutters_dir: {folder / 'templates'}\n")
    options = {"extra_context": answers, "config_file": str(config), "output_dir": str(folder)}
    root = Path(cookiecutter(str(without_library()), no_input=True, accept_hooks=False, **options))
    with contextlib.chdir(root):
        given = {"license": "MIT", "author": "me", "deploy_target": "compose", "scale": "one-machine", **answers}
        hook("post_gen_project").prune(given)
    return root


def texts(root: Path) -> dict[str, str]:
    """Each file's text by its path in the project."""
    paths = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(root).as_posix(): path.read_text() for path in paths}


# Of most files, the combinations have few different texts between them, and parsing them takes longer than rendering


@functools.cache
def parsed(text: str) -> Any:
    """What a YAML file says."""
    return YAML(typ="safe").load(text)


@functools.cache
def has_leftover(text: str) -> bool:
    """Whether something of cookiecutter's is left in a text, apart from what belongs to a workflow."""
    return bool(LEFTOVER.search(text.replace("${{ ", "")))


@pytest.mark.parametrize("task", CHOICES["task"])
@pytest.mark.parametrize("python_version", CHOICES["python_version"])
def test_every_combination_renders(tmp_path: Path, task: str, python_version: str) -> None:
    linted: set[str] = set()
    rest = [CHOICES[name] for name in ("license", "dvc_remote", "deploy_target")]
    for number, (license_, remote, target) in enumerate(itertools.product(*rest)):
        folder = tmp_path / str(number)
        folder.mkdir()
        answers = {
            "task": task,
            "python_version": python_version,
            "license": license_,
            "dvc_remote": remote,
            "deploy_target": target,
            "scale": CHOICES["scale"][number % 2],  # which changes the fewest files, with each of the others
        }
        root = render(folder, answers)
        found = texts(root)
        leftover = [name for name, text in found.items() if has_leftover(text)]
        assert not leftover, (answers, leftover)
        check_types(root, answers)
        code = "".join(text for name, text in sorted(found.items()) if name.endswith((".py", ".toml")))
        digest = hashlib.sha256(code.encode()).hexdigest()
        if digest not in linted and len(linted) < 4:
            lint(root)
        linted.add(digest)


def read(path: Path) -> Any:
    """What a YAML file says, not to be changed."""
    return parsed(path.read_text())


def check_types(root: Path, answers: dict[str, str]) -> None:
    """YAML, TOML and JSON hold the answers in the types that they are meant to have."""
    contract, params = read(root / "contract.yaml"), read(root / "params.yaml")
    target = {"classification": ("late", "boolean"), "regression": ("delay", "number")}[answers["task"]]
    targets = [(name, one["type"]) for name, one in contract["columns"].items() if one["role"] == "target"]
    assert targets == [target]
    assert contract["columns"]["carrier"]["values"][0] == "9E"
    assert params["watermark"] == "2013-12"
    project = tomllib.loads((root / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == f">={answers['python_version']}"
    assert project["project"].get("license", "Proprietary") == answers["license"]
    assert project["tool"]["modelyard"]["deploy_target"] == answers["deploy_target"]
    container = json.loads((root / ".devcontainer/devcontainer.json").read_text())
    assert container["image"].endswith(f":{answers['python_version']}-bookworm")
    assert read(root / "dvc.yaml")["stages"]["train"]["cmd"] == "python -m flight_delays train"
    policy = read(root / "policy.yaml")
    rules = {"champion", "slices", "calibration", "beat_baseline", "floors", "limits"}
    assert set(policy) == rules | {"canary", "serving", "monitor", "retrain"}
    assert policy["champion"]["require"] == "not_worse"
    assert read(root / ".pre-commit-config.yaml")["repos"]
    targets = {path.name for path in (root / "deploy").glob("*") if path.name in CHOICES["deploy_target"]}
    assert targets <= {answers["deploy_target"]}
    if answers["deploy_target"] == "compose":
        services = read(root / "deploy/compose/compose.yaml")["services"]
        assert "exec flight-delays serve --config /tmp/serving.json" in services["stable"]["entrypoint"][2]
        assert json.loads((root / "deploy/compose/serving.json").read_text())["default"] == "flight-delays"


def lint(root: Path) -> None:
    """Ruff has no finding in the project, under the project's own settings."""
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run([BIN / "ruff", *command, "."], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_length_renders_and_lints(tmp_path: Path, name: str) -> None:
    root = render(tmp_path, {"project": name})
    assert root.name == name
    assert (root / name.replace("-", "_") / "features.py").is_file()
    lint(root)


TEXTS = {
    "🚀 Predicts late flights": "🚀 Predicts late flights.",
    "What's the price in $USD?": r"What's the price in \$USD?",
    '👩‍🚀: "b" `c` \\ <d> #e ${f} *g* \'': r"""👩‍🚀: "b" \`c\` \\ \<d\> \#e \${f} \*g\* '.""",
    "- a: b, NO": r"\- a: b, NO.",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_the_same_in_every_format(tmp_path: Path, text: str) -> None:
    root = render(tmp_path, {"description": text, "author": text})
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert (project["description"], project["authors"]) == (text, [{"name": text}])
    assert read(root / "contract.yaml")["owner"] == text
    label = re.findall(r'description="(.*)" \\$', (root / "Dockerfile").read_text(), re.MULTILINE)[0]
    # in double quotes, a Dockerfile knows a backslash before these three, and `$` alone would be a variable
    assert re.sub(r'\\([\\"$])', r"\1", label) == text
    assert re.sub(r'\\[\\"$]', "", label).count("$") == 0
    assert (root / "README.md").read_text().startswith(f"# flight-delays\n\n{TEXTS[text]}\n")
    assert text in (root / "LICENSE").read_text()


def test_no_text_is_written_as_json() -> None:
    """JSON's escapes are not those of TOML, YAML or a Dockerfile."""
    listed = subprocess.check_output(["git", "ls-files", "{{cookiecutter.project}}"], cwd=ROOT, text=True).splitlines()
    texts = {name: (ROOT / name).read_text() for name in listed if "/vendor/" not in name and (ROOT / name).is_file()}
    assert [name for name, text in texts.items() if re.search(r"\{\{[^}]*\b(tojson|jsonify)\b", text)] == []


def test_a_plain_python_version_stays_text(tmp_path: Path) -> None:
    root = render(tmp_path, {"python_version": "3.10"})
    assert ">=3.10" in (root / "pyproject.toml").read_text()


def test_the_package_has_no_variable_in_it(tmp_path: Path) -> None:
    template = ROOT / "{{cookiecutter.project}}/{{cookiecutter.__package}}"
    root = render(tmp_path, {"project": "other-name"})
    assert texts(root / "other_name") == texts(template)


def test_the_tasks_differ_in_few_files(tmp_path: Path) -> None:
    found = []
    for task in CHOICES["task"]:
        (tmp_path / task).mkdir()
        found.append(texts(render(tmp_path / task, {"task": task})))
    assert found[0].keys() == found[1].keys()
    assert {name for name in found[0] if found[0][name] != found[1][name]} == TASK_FILES


def test_the_project_names_the_wheel_that_the_hook_builds(tmp_path: Path) -> None:
    sources = tomllib.loads((render(tmp_path, {}) / "pyproject.toml").read_text())["tool"]["uv"]["sources"]
    library = tomllib.loads((ROOT / "{{cookiecutter.project}}/vendor/modelyard/pyproject.toml").read_text())["project"]
    assert sources == {"modelyard": {"path": f"vendor/modelyard-{library['version']}-py3-none-any.whl"}}
