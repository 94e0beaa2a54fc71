"""What a deployment did, for reports/deploy.json and reports/deploy.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..github.outputs import write_outputs, write_summary
from ..markdown import markdown_table
from .state import DeployedVersion, State
from .trial import TrialDecision

RECORD = Path("reports/deploy.json")
Word = Literal["deployed", "promoted", "rolled back", "failed", "unchanged"]
EXIT: dict[Word, int] = {"deployed": 0, "promoted": 0, "unchanged": 0, "rolled back": 1, "failed": 2}


@dataclass
class Record:
    """One call of the verb `deploy`: the action, its result and reason, the lines printed, and the decisions."""

    action: str
    stage: str
    release: DeployedVersion | None = None
    result: Word = "failed"
    reason: str = ""
    serves: DeployedVersion | None = None
    lines: list[str] = field(default_factory=list)
    decisions: list[TrialDecision] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Print a line and keep it."""
        print(line, flush=True)
        self.lines.append(line)

    def to_json(self) -> str:
        """The record as `reports/deploy.json` holds it."""
        return json.dumps({"format": 1, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """The record for the summary of a workflow's run."""
        version = f" {self.release.version}" if self.release else ""
        parts = [f"**{self.stage}:** {self.action}{version}: {self.result}. {self.reason}".rstrip()]
        if self.serves:
            parts.append(f"Stable serves {self.serves}.")
        if self.decisions:
            parts.append(_table(self.decisions[-1]))
        if self.lines:
            parts.append("\n".join(["```text", *(line.replace("```", "'''") for line in self.lines), "```"]))
        return "\n\n".join(parts) + "\n"

    def write(self, path: Path = RECORD) -> None:
        """Write both files, and the summary and the outputs of a workflow's run."""
        path.parent.mkdir(exist_ok=True)
        path.write_text(self.to_json(), encoding="utf-8")
        path.with_suffix(".md").write_text(self.to_markdown(), encoding="utf-8")
        write_summary(self.to_markdown())
        serves = self.serves.version if self.serves else ""
        reason = " ".join(self.reason.split())
        write_outputs({"result": self.result, "serves": serves, "reason": reason})


def _table(decision: TrialDecision) -> str:
    rows = [
        [one.question, one.counts, f"{one.figure:.2f}", f"{one.harmless:.2f}", f"{one.harmful:.2f}", one.found]
        for one in decision.findings
    ]
    return markdown_table(["question", "canary beside stable", "figure", "harmless", "harmful", "found"], rows)


def describe(state: State) -> Sequence[str]:
    """A stage in lines for people."""
    if not state.router:
        return ["no router runs: nothing has been deployed to this stage yet"]
    lines = []
    for name, weight in zip(("stable", "canary"), state.weights, strict=True):
        variant: Any = getattr(state, name)
        if variant is None:
            lines.append(f"{name}: none, {weight} % of requests")
            continue
        serving = "serves" if variant.serving else f"does not serve ({variant.status})"
        lines.append(f"{name}: {variant.release}, {serving}, {weight} % of requests")
        if variant.history:
            lines.append(f"  before it: {', '.join(str(one.version) for one in variant.history)}")
    return lines
