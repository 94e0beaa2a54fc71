"""The files through which a step of a workflow hands values to later jobs and shows text in the run's summary.

GitHub names them in the environment. Outside a workflow there are none, and nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping


def write_outputs(values: Mapping[str, str]) -> str:
    """Append values to GITHUB_OUTPUT as lines `name=value`; returns the lines. A value must be a single line."""
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    _append("GITHUB_OUTPUT", lines)
    return lines


def write_summary(text: str) -> None:
    """Append Markdown to GITHUB_STEP_SUMMARY."""
    _append("GITHUB_STEP_SUMMARY", text)


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with open(path, "a", encoding="utf-8") as opened:
            opened.write(text)
