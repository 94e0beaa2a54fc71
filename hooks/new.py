"""`make new`: generate a project with cookiecutter, which asks; a bad answer is refused where it is given.

Reads OUT, the folder that the project goes into, and ANSWERS, more arguments of cookiecutter, from the environment.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cookiecutter import cli, prompt
from cookiecutter.exceptions import FailedHookException
from pre_gen_project import faults_of

TEMPLATE = Path(__file__).absolute().parent.parent


Ask = Callable[..., Any]
given: dict[str, Any] = {}


def remembered(ask: Ask, name: str, *arguments: Any, **options: Any) -> Any:
    """The answer, kept for the questions that depend on it."""
    given[name] = ask(name, *arguments, **options)
    return given[name]


def asked_until_good(ask: Ask, name: str, *arguments: Any, **options: Any) -> Any:
    """The first answer that has no fault."""
    while True:
        answer = remembered(ask, name, *arguments, **options)
        found = faults_of(name, given)
        if not found:
            return answer
        print("\n".join(f"refused: {line}" for line in found), file=sys.stderr)


def unfit(answers: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with answers on the command line: cookiecutter ignores a name that it does not know."""
    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    names = [name for name in questions if not name.startswith("_")]
    for name, answer in answers.items():
        choices = questions.get(name)
        if name not in names:
            yield f"there is no question {name!r}; the questions are {', '.join(names)}"
        elif isinstance(choices, list) and answer not in choices:
            yield f"{name} is {answer!r}: one of {', '.join(choices)} is needed"


def generate(run: Callable[..., str], *arguments: Any, extra_context: Mapping[str, str] | None, **options: Any) -> str:
    """Generate; where a hook refuses, it has said why, and cookiecutter adds nothing to it."""
    if found := list(unfit(extra_context or {})):
        sys.exit("\n".join(f"refused: {line}" for line in found))
    options["extra_context"] = extra_context
    try:
        return run(*arguments, **options)
    except FailedHookException:
        sys.exit(1)


def main() -> None:
    """Run cookiecutter's command line in this process."""
    try:
        words = shlex.split(os.environ.get("ANSWERS", ""))
    except ValueError as error:
        sys.exit(f"error: ANSWERS: {error}; write it as arguments in a shell")
    logging.getLogger("cookiecutter.hooks").setLevel(logging.CRITICAL)
    prompt.read_user_choice = functools.partial(remembered, prompt.read_user_choice)
    prompt.read_user_variable = functools.partial(asked_until_good, prompt.read_user_variable)
    cli.cookiecutter = functools.partial(generate, cli.cookiecutter)
    cli.main([str(TEMPLATE), "--output-dir", os.environ.get("OUT") or "..", *words])


if __name__ == "__main__":
    main()
