"""Each command that a message, a comment or a page names is one that works: `make ...`, with a target that is there."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelyard.cli import VERBS
from modelyard.deploying.deploy import parser

from projects import ROOT

INSIDE = ROOT / "{{cookiecutter.project}}"
LIBRARY = INSIDE / "vendor/modelyard/src/modelyard"
CODE = [*LIBRARY.rglob("*.py"), *(ROOT / "hooks").glob("*.py"), INSIDE / "hatch_build.py"]
TEXTS = [
    *(path for path in INSIDE.glob("*") if path.is_file() and path.name != "uv.lock"),
    *(INSIDE / "docs").glob("*.md"),
    *(path for path in (INSIDE / "deploy").rglob("*") if path.is_file()),
    *(INSIDE / ".github").rglob("*.yml"),
]
MAKEFILE = (INSIDE / "Makefile").read_text()
TARGETS = {name for line in re.findall(r"^([a-z -]+):", MAKEFILE, re.MULTILINE) for name in line.split()} | {"new"}
GIVEN = set(re.findall(r"^GIVEN = (.*)$", MAKEFILE, re.MULTILINE)[0].split())
# They are in the environment of `make setup`, or not on every machine: a make target runs them
TOOLS = re.compile(r"(?:dvc (?:repro|pull|push|checkout)|uv (?:lock|sync|run)|pytest|ruff|python -m modelyard)\b")
VERB_NAMES = {name for group in VERBS.values() for name in group}


def named(text: str) -> Iterator[str]:
    """The commands in backticks, each on one line."""
    for found in re.findall(r"`([^`]+)`", text):
        yield " ".join(found.split())


def messages(path: Path) -> Iterator[str]:
    """The texts of a module that a person may see: of docstrings, only those that --help shows."""
    tree = ast.parse(path.read_text())
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    inner = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | inner:
            yield node.value


def faults(command: str) -> list[str]:
    """What is wrong with a command that a text tells somebody to type."""
    if TOOLS.match(command):
        return [f"`{command}`: a make target runs it"]
    words = command.partition("make ")[2] if re.match(r"(?:[A-Z_]+=\S+ )*make ", command) else None
    if words is None:
        verb = re.match(r"python3 vendor/yard (?:-\S+ )*(\w+)", command)
        return [f"`{command}`: no such verb"] if verb and verb[1] not in {*VERB_NAMES, "VERB"} else []
    found = []
    for word in shlex.split(words):
        name, _, value = word.partition("=")
        if name == word and word not in TARGETS:
            found.append(f"`{command}`: no target {word}")
        if name != word and name not in GIVEN:
            found.append(f"`{command}`: the Makefile knows no {name}")
        if words.startswith("deploy ") and name == "ARGS" and value not in ("...", "X"):
            found += [] if _is_action(value) else [f"`{command}`: no such action"]
    return found


def _is_action(arguments: str) -> bool:
    try:
        parser().parse_args(shlex.split(arguments)[:1])
    except SystemExit:
        return False
    return True


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix().rpartition("modelyard/")[2])
def test_a_message_names_commands_that_work(path: Path) -> None:
    assert [fault for text in messages(path) for command in named(text) for fault in faults(command)] == []


def test_texts_of_a_project_name_commands_that_work() -> None:
    found = {path.name: [fault for command in named(path.read_text()) for fault in faults(command)] for path in TEXTS}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_command_that_does_not_work_is_found() -> None:
    for command in ("dvc repro", "uv lock", "make pipelines", "make gate ARG=x", "make deploy ARGS=undo"):
        assert faults(command), command
    for command in ("make pipeline", "GH_TOKEN=... make github APPLY=1", "make gate ARGS='--no-champion'", "git diff"):
        assert faults(command) == [], command
