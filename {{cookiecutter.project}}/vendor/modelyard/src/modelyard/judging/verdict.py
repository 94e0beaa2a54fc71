"""The verdict of the gate, as JSON for the report and as Markdown for people."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..markdown import code, markdown_table, prose
from ..runtime.hashing import sha256

VERDICT = Path("reports/verdict.json")
EXIT = {"ships": 0, "blocked": 1, "unjudged": 2}
TITLES = {"ships": "The model may ship", "blocked": "The model is blocked", "unjudged": "The model could not be judged"}
CHANGED = "This commit changes the policy that judges it"
KEPT = {True: "yes", False: "no", None: "not to be told"}


@dataclass(frozen=True)
class Ruling:
    """One rule, where the policy states it, the finding, and whether it is kept (None: undetermined)."""

    rule: str
    policy: str
    found: str
    kept: bool | None


@dataclass(frozen=True)
class PolicyChange:
    """How the policy differs from main's, a line a key, and what main's and the one here say of the model."""

    changed: list[str]
    by_main: str
    by_this: str

    def lines(self) -> list[str]:
        """The change for a reader: first both verdicts, then the keys."""
        return [
            f"By main's policy: {self.by_main}.",
            f"By the policy of this commit: {self.by_this}.",
            *self.changed,
        ]


@dataclass(frozen=True)
class Verdict:
    """Whether a model may ship, and why.

    champion: the model that it was compared with, or None if there is none yet. comparison: the result of `compare`.
    warnings: the text of each warning about the challenger, by its name. policy: how it differs from main's, or None.
    of: the hashes of what was to be judged and by what, see `judged_files`; it also says what an unjudged one is about.
    """

    verdict: Literal["ships", "blocked", "unjudged"]
    reason: str
    challenger: dict[str, Any] | None = None
    champion: dict[str, Any] | None = None
    rules: list[Ruling] = field(default_factory=list)
    comparison: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)
    policy: PolicyChange | None = None
    of: dict[str, str | None] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The verdict and its reason in one sentence."""
        return f"{TITLES[self.verdict]}: {self.reason}"

    @property
    def exit(self) -> int:
        """The exit status of the gate: 0 ships, 1 blocked, 2 could not be judged."""
        return EXIT[self.verdict]

    def to_json(self) -> str:
        """The content of `reports/verdict.json`."""
        return json.dumps({"format": 1, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """The verdict, the warnings, the rules with the broken ones first, and the notes."""
        order = {False: 0, None: 1, True: 2}
        ruled = sorted(self.rules, key=lambda ruling: order[ruling.kept])
        lines = [[ruling.rule, ruling.found, KEPT[ruling.kept], ruling.policy] for ruling in ruled]
        parts = [f"**{TITLES[self.verdict]}:** {self.reason}"]
        if self.policy:
            parts.append("\n".join([f"{CHANGED}:", "", *(f"- {line}" for line in self.policy.lines())]))
        if self.warnings:
            parts.append(
                "\n".join(f"- Warning {code(name)}: {prose(text, 600)}." for name, text in self.warnings.items())
            )
        if lines:
            parts.append(markdown_table(["rule", "found", "kept", "stated in"], lines))
        parts += [f"- {note}" for note in self.notes]
        return "\n\n".join(parts) + "\n"


def judged_files(bundle: Path, policy: Path) -> dict[str, str | None]:
    """The identity of a bundle and the hash of a policy as they are now; None for what is not there."""
    files = {"bundle": bundle / "manifest.json", "policy": policy}
    return {name: sha256(path) if path.is_file() else None for name, path in files.items()}


def decide(rules: list[Ruling]) -> tuple[Literal["ships", "blocked", "unjudged"], str]:
    """The verdict that follows from the rules, and the reason in one sentence. A single broken rule blocks."""
    if broken := [ruling for ruling in rules if ruling.kept is False]:
        more = f", and {len(broken) - 1} more broken" if len(broken) > 1 else ""
        return "blocked", f"{broken[0].rule}: {broken[0].found}{more}"
    if unclear := [ruling for ruling in rules if ruling.kept is None]:
        return "unjudged", f"{unclear[0].rule}: {unclear[0].found}"
    return "ships", f"all {len(rules)} rules of the policy are kept" if rules else "the policy has no rule"
