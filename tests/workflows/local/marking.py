"""Workflow files as act gets them: with what it does not know done in the files."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .documents import FOLDER, WorkflowError, load

# The step that is put before a job's own
FIRST = "local-github"
# GitHub evaluates these before the job has its environment, and so without the variables of that
BEFORE = ("concurrency", "environment", "if", "needs", "runs-on", "strategy")
EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


def mark(
    tree: Path, folder: Path, file: str, jobs: Collection[str], environments: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Rewrite the workflows of a tree for a run of these jobs of one file; the variables that act needs more for them.

    Before each job comes a step that tells the server which one it is, what runner it asks for where an expression says
    so, and gives it a home of its own. A job of an
    environment takes that one's variables before the repository's; secrets are the repository's everywhere.
    """
    variables: dict[str, str] = {}
    for path in (tree / FOLDER).glob("*.y*ml"):
        document: dict[str, Any] = load(path.read_text())
        if path.name == file:
            # act would take the file's name alone
            document.setdefault("name", f"{FOLDER}/{file}")
            document["jobs"] = {name: job for name, job in document["jobs"].items() if name in jobs}
        for part in (document, *(document.get("jobs") or {}).values()):
            if isinstance(part.get("concurrency"), dict):
                part["concurrency"].pop("queue", None)  # act does not know it, and has no queue
        for name, job in (document.get("jobs") or {}).items():
            variables |= _give_variables(job, environments)
            if "strategy" in job:
                job["strategy"]["max-parallel"] = 1  # act would run the jobs of a matrix at once, whatever it is told
            if "steps" in job:
                home = folder / "homes" / path.stem / name
                script = f"echo '{path.name}#{name}' > '{folder}/job'\nmkdir -p '{home}'\n"
                script += f"echo 'HOME={home}' >> $GITHUB_ENV\n"
                first = {"id": FIRST, "run": script, "shell": "bash", "working-directory": "/"}
                if found := EXPRESSION.fullmatch(str(job.get("runs-on", "")).strip()):
                    asked = f"${{{{ toJSON({found[0][3:-2].strip()}) }}}}"
                    first["env"] = {"LOCAL_GITHUB_ASKED": asked}
                    first["run"] += f"echo {path.name}#{name} $LOCAL_GITHUB_ASKED >> '{folder}/asked'\n"
                job["steps"].insert(0, first)
        # JSON is YAML in which no text can be taken for something else
        path.write_text(json.dumps(document, ensure_ascii=False, default=str))
    return variables


def asked(folder: Path) -> dict[str, list[str]]:
    """The labels that the jobs of a run whose `runs-on` is an expression asked for, by "file#job"."""
    told = folder / "asked"
    lines = [line.partition(" ") for line in (told.read_text().splitlines() if told.exists() else [])]
    found = {job: json.loads(value) for job, _, value in lines}
    return {job: [value] if isinstance(value, str) else value for job, value in found.items()}


def labels(tree: Path) -> set[str]:
    """The runners that the workflows of a tree ask for by name."""
    found = {"ubuntu-latest", "ubuntu-24.04"}
    for path in (tree / FOLDER).glob("*.y*ml"):
        for job in load(path.read_text()).get("jobs", {}).values():
            asked = job.get("runs-on", ())
            found |= {label for label in ([asked] if isinstance(asked, str) else asked) if "${{" not in label}
    return found


def _give_variables(job: dict[str, Any], environments: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Let a job read its environment's variables, each under a name that no other job has; those names, with values."""
    asked = job.get("environment") or ""
    name = str(asked.get("name", "")) if isinstance(asked, dict) else str(asked)
    if "${{" in name and environments:
        raise WorkflowError(f"this stand-in knows an environment by its name only, and this one is {name}")
    variables = environments.get(name, {})
    # the names are letters, digits and underscores, as GitHub asks; that of an environment may be anything
    names = {key.upper(): f"OF_{name.encode().hex().upper()}_{key.upper()}" for key in variables}
    for part in set(job) - set(BEFORE):
        job[part] = _renamed(job[part], names)
    return {names[key.upper()]: value for key, value in variables.items()}


def _renamed(value: Any, names: Mapping[str, str], bare: bool = False) -> Any:
    """A part of a workflow in whose expressions each `vars.KEY` has its other name. bare: it is one without braces."""
    if isinstance(value, dict):
        return {key: _renamed(one, names, key == "if") for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    if not isinstance(value, str) or not names:
        return value
    known = re.compile(rf"(?<![\w.-])vars\.({'|'.join(map(re.escape, names))})(?![\w-])", re.IGNORECASE)

    def rename(text: str) -> str:
        return known.sub(lambda found: f"vars.{names[found[1].upper()]}", text)

    return rename(value) if bare else EXPRESSION.sub(lambda found: rename(found[0]), value)
