"""What a person gives to `make` reaches a command as it was typed: no make and no shell expands it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from sample import PYTHON_PATH, SAMPLE

from projects import ROOT, run

# $ and $$, both quotes, backticks, substitutions of make and of a shell, what separates, and what is no text
AWKWARD = (
    """a $b $$c ${d} $(shell touch made) `touch made` $(touch made) "e" 'f' \\ ; touch made # & | <g> *.md % é 🚀"""
)
GIVEN = {
    "contract": ("SOURCE", "TARGET", "ARGS"),
    **dict.fromkeys(("champion", "data-diff"), ("REF",)),
    **dict.fromkeys(("tune", "automl"), ("TRIALS", "JOBS", "ARGS")),
    "cluster": ("WORKERS",),
    "retrain": ("CAUSE", "REASON", "ARGS"),
    **dict.fromkeys(
        (
            "gate",
            "features",
            "materialize",
            "labels-review",
            "maturity",
            "prove",
            "history",
            "ingest",
            "serve",
            "verify",
            "deploy",
            "upgrade",
        ),
        ("ARGS",),
    ),
    **dict.fromkeys(("image", "package", "accept"), ("VERSION", "ARGS")),
    "github": ("APPLY", "ARGS"),
    "eject": ("ARGS",),
    "lock": ("UPGRADE",),
}
TEMPLATE = {"new": ("OUT", "ANSWERS"), "test": ("PYTEST_ARGS",), "bench": ("BENCH_ARGS",)}
TEMPLATE["replay"] = ("REPLAY_ARGS",)
TEMPLATE["pull-request"] = ("PROJECT", "ARGS")
# Shows what it is called with and what the environment has, for the last command of a recipe to be read
RECORDER = """#!%s
import json, os, sys
print("called", json.dumps([sys.argv, {name: os.environ.get(name) for name in %r}]))
"""
NAMES = sorted({name for names in (*GIVEN.values(), *TEMPLATE.values()) for name in names})


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def in_time(folder: Path, *names: str) -> None:
    """Files that are newer than what they are made of."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The sample's Makefile beside programs that only say how they are called."""
    folder = tmp_path / "it's `a` $folder"
    folder.mkdir()
    shutil.copyfile(SAMPLE / "Makefile", folder / "Makefile")
    shutil.copyfile(SAMPLE / "dvc.yaml", folder / "dvc.yaml")
    in_time(folder, "pyproject.toml", "uv.lock", ".venv/.synced")
    for name in ("uv", "python3"):
        program(tmp_path / "bin" / name, RECORDER % (sys.executable, NAMES))
    return folder


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """The template's Makefile, likewise."""
    folder = tmp_path / "it's `a` $folder"
    folder.mkdir()
    shutil.copyfile(ROOT / "Makefile", folder / "Makefile")
    in_time(folder, "pyproject.toml", ".venv/.made", ".venv/.test")
    for name in ("ruff", "codespell", "mypy", "python", "pytest"):
        program(folder / ".venv/bin" / name, RECORDER % (sys.executable, NAMES))
    program(tmp_path / "bin/wrk", "")
    return folder


def called(folder: Path, target: str, given: dict[str, str], how: str) -> tuple[list[str], dict[str, str]]:
    """The arguments of the commands that a target runs, and the environment of the last of them."""
    path = {"PATH": f"{folder.parent / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin"}
    on_the_line = [f"{name}={text}" for name, text in given.items()] if how == "arguments" else []
    printed = run(["make", "-s", target, *on_the_line], folder, {**path, **({} if on_the_line else given)})
    calls = [json.loads(line[7:]) for line in printed.splitlines() if line.startswith("called ")]
    return [part for arguments, _ in calls for part in arguments], calls[-1][1]


@pytest.mark.parametrize("how", ["arguments", "environment"])
@pytest.mark.parametrize("target", GIVEN)
def test_a_project_passes_on_what_is_given_as_it_was_typed(project: Path, target: str, how: str) -> None:
    given = {name: f"{name}: {AWKWARD}" for name in GIVEN[target]}
    arguments, environment = called(project, target, given, how)
    in_arguments = [name for name, text in given.items() if any(part.endswith(text) for part in arguments)]
    assert environment.items() >= given.items()
    assert set(in_arguments) == set(given) - {"ARGS", "APPLY"}
    assert ("--arguments-from" in arguments) == ("ARGS" in given)
    assert list(project.rglob("made")) == []


@pytest.mark.parametrize("how", ["arguments", "environment"])
@pytest.mark.parametrize("target", TEMPLATE)
def test_the_template_passes_on_what_is_given_as_it_was_typed(template: Path, target: str, how: str) -> None:
    given = {name: f"{name}: {AWKWARD}" for name in TEMPLATE[target]}
    arguments, environment = called(template, target, given, how)
    assert environment.items() >= given.items()
    assert list(template.rglob("made")) == []
    words = [name for name in given if name.endswith("ARGS")]
    assert [name for name in arguments if name in words] == words  # with_words.py adds them


def test_every_variable_that_a_makefile_offers_is_tried_here() -> None:
    for path, tried in ((SAMPLE / "Makefile", GIVEN), (ROOT / "Makefile", TEMPLATE)):
        text = path.read_text()
        listed = re.findall(r"^GIVEN = (.*)$", text, re.MULTILINE)[0].split()
        assert sorted(listed) == sorted({name for names in tried.values() for name in names})
        # and each use in a recipe is one of the environment, or asks only whether there is any
        recipes = "\n".join(line for line in text.splitlines() if line.startswith("\t"))
        pasted = re.findall(rf"\$\(({'|'.join(listed)})\)", re.sub(r"\$\(if \$\(\w+\),", "", recipes))
        assert pasted == []
        assert set(re.findall(r"^([A-Z_]+) \?=", text, re.MULTILINE)) <= set(listed)


def test_words_are_added_to_a_command_and_nothing_is_expanded(tmp_path: Path) -> None:
    env = {"WORDS": "--a 'b $HOME' \"`id`\" c"}
    show = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", "first"]
    command = [sys.executable, ROOT / "tests/with_words.py", "WORDS", *show]
    assert json.loads(run(command, tmp_path, env)) == ["first", "--a", "b $HOME", "`id`", "c"]
    assert run(command, tmp_path, {"WORDS": "'a"}, ok=False) == (
        "error: WORDS: No closing quotation; write it as arguments in a shell\n"
    )


@pytest.fixture
def drafting(tmp_path: Path) -> Path:
    """The sample, in which `make contract` runs, in the environment of the tests."""
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder)
    in_time(folder, "uv.lock", ".venv/.synced")
    (folder / "vendor/yard").write_text("")  # whose wheel is not in that lock
    program(
        tmp_path / "bin/uv",
        f'#!/bin/bash\n[ "$1 $2" = "run --no-sync" ] && PATH={Path(sys.executable).parent}:$PATH && exec "${{@:3}}"\n',
    )
    return folder


def make(folder: Path, *arguments: str, env: dict[str, str] | None = None, ok: bool = True) -> str:
    path = f"{folder.parent / 'bin'}:{os.environ['PATH']}"
    return run(["make", *arguments], folder, {"PATH": path, "PYTHONPATH": PYTHON_PATH, **(env or {})}, ok)


def write_rows(folder: Path, target: str) -> None:
    quoted = '"' + target.replace('"', '""') + '"'
    rows = "\n".join(f"{place / 2},{place % 7},{place + 0.5}" for place in range(60))
    (folder / "rows.csv").write_text(f"x,y,{quoted}\n{rows}\n")


@pytest.mark.parametrize("target", ['price ($) "US"', "cost `touch made`", "-it's $(touch made)"])
def test_a_target_of_any_name_is_the_column_of_that_name(drafting: Path, target: str) -> None:
    write_rows(drafting, target)
    assert f"  target: {target}\n" in make(drafting, "contract", "SOURCE=rows.csv", f"TARGET={target}")
    assert not (drafting / "made").exists()


@pytest.mark.parametrize("name", ["${x} `touch made` $y.csv", "-it's.csv"])
def test_a_source_of_any_name_is_read_and_watched(drafting: Path, name: str) -> None:
    write_rows(drafting, "price")
    (drafting / "rows.csv").rename(drafting / name)
    make(drafting, "contract", f"SOURCE={name}", "TARGET=price")
    assert f"  path: {name}\n" in (drafting / "params.yaml").read_text()
    assert f"      - {name}\n".replace("${", "\\${") in (drafting / "dvc.yaml").read_text()
    assert not (drafting / "made").exists()


@pytest.mark.parametrize("dollar", ["$", "$$"])
def test_a_password_stays_in_the_environment(drafting: Path, dollar: str) -> None:
    # the command of the page, with a database that is here
    env = {"PASSWORD": "hunter2", "ROWS": "rows.db"}
    page = (SAMPLE / "docs/your-data.md").read_text()
    command = next(line.strip() for line in page.splitlines() if "make contract SOURCE='postgresql:" in line)
    command = command.replace(
        "postgresql://me:$PASSWORD@host/db", f"sqlite:///{dollar}ROWS?x={dollar}PASSWORD"
    ).replace("…", "x, y, price FROM made")
    with sqlite3.connect(drafting / "rows.db") as database:
        database.execute("CREATE TABLE made (x REAL, y REAL, price REAL)")
        database.executemany("INSERT INTO made VALUES (?, ?, ?)", [(n / 2, n % 7, n + 0.5) for n in range(60)])
    path = {"PATH": f"{drafting.parent / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": PYTHON_PATH}
    printed = run(["bash", "-euc", command], drafting, {**path, **env})
    params = (drafting / "params.yaml").read_text()
    assert "sqlite:///$ROWS?x=$PASSWORD" in params
    assert "hunter2" not in params + printed


def test_the_command_of_the_page_reports_a_model_that_may_not_ship(drafting: Path) -> None:
    page = (SAMPLE / "docs/pull-requests.md").read_text()
    (line,) = [line.partition("  #")[0] for line in page.splitlines() if line.endswith(" too") and "report" in line]
    # main's model and data are not what this is about
    words = [word for word in line.split()[1:] if word not in ("data-diff", "champion")]
    assert "bundle holds no bundle" in make(drafting, *words, ok=False)
    assert (drafting / "reports/report.md").read_text().startswith("## ⚠️ Could not be judged")
