"""The notes of a release: what changed, the model's metrics beside the previous release's, and its files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...git import git, read_blob
from ...markdown import code, cut, prose
from ...runtime.hashing import sha256
from .candidate import Candidate

METRICS = "evaluation/metrics.json"
MOST_COMMITS = 200
LONGEST = 100_000  # characters; GitHub accepts 125,000
END = "\x1e"  # cannot be in what is between: git shows control characters of a subject as spaces


def release_notes(root: Path, candidate: Candidate, verdict: Mapping[str, Any], image: str, files: list[Path]) -> str:
    """The notes in Markdown. verdict: what the gate wrote; image: by its digest, empty where there is none."""
    previous = candidate.previous
    parts = [
        _model(candidate, verdict, image),
        "## Changes",
        _commits(root, candidate.tag.commit, previous.tag.commit if previous else None),
        "## Metrics",
        _metrics(root, candidate),
    ]
    if files:
        parts += ["## Files", "Check them with `sha256sum --check SHA256SUMS`, or `make verify`.", files_table(files)]
    text = "\n\n".join(part for part in parts if part) + "\n"
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition("\n")[0] + "\n\nThe rest is in Git.\n"


def files_table(files: list[Path]) -> str:
    """Each file with its size and its SHA-256."""
    lines = ["| file | bytes | SHA-256 |", "| --- | ---: | --- |"]
    lines += [f"| {code(path.name)} | {path.stat().st_size:,} | {code(sha256(path), 64)} |" for path in files]
    return "\n".join(lines)


def _model(candidate: Candidate, verdict: Mapping[str, Any], image: str) -> str:
    bundle = str((verdict.get("challenger") or {}).get("bundle", ""))
    lines = [
        f"- Model: {code(candidate.model)}, commit {candidate.tag.commit}",
        f"- Bundle: {code(bundle, 64)}" if bundle else "",
        f"- Image: {code(image, 300)}" if image else "",
        f"- Gate: {prose(str(verdict.get('verdict', '')))}, {prose(str(verdict.get('reason', '')))}" if verdict else "",
        f"- Signed by {prose(candidate.signed_by)}" if candidate.signed_by else "",
    ]
    return "\n".join(line for line in lines if line)


def _commits(root: Path, commit: str, since: str | None) -> str:
    """The commits since a release, the newest first, by their subjects."""
    span = f"{since}..{commit}" if since else commit
    listed = git(root, "log", f"--max-count={MOST_COMMITS + 1}", f"--format=%h %s%n%an{END}", span).split(f"{END}\n")
    lines = []
    for one in listed[:-1][:MOST_COMMITS]:
        title, _, author = one.partition("\n")
        short, _, subject = title.partition(" ")
        lines.append(f"- {prose(subject or 'without a subject', 200)} ({short}, {prose(author, 60)})")
    if len(listed) - 1 > MOST_COMMITS:
        lines.append(f"- and more: {code(f'git log {span}', 100)}")
    return "\n".join(lines) or "None: the same commits as the release before."


def _metrics(root: Path, candidate: Candidate) -> str:
    """The model's metrics on its holdout, beside the previous release's on its own."""
    current, previous = _holdout(root, candidate.tag.commit), {}
    if candidate.previous:
        previous = _holdout(root, candidate.previous.tag.commit)
    if not current:
        return ""
    head = f"| metric | {candidate.version.tag} | 95 % interval |"
    ruler = "| --- | ---: | ---: |"
    if candidate.previous:
        head, ruler = f"{head} {candidate.previous.version.tag} |", f"{ruler} ---: |"
    lines = [head, ruler]
    for name, one in current.items():
        value, low, high = (_number(one.get(key)) for key in ("value", "low", "high"))
        line = f"| {prose(name)} | {value} | {low} to {high} |"
        lines.append(f"{line} {_number(previous.get(name, {}).get('value'))} |" if candidate.previous else line)
    note = "\n\nEach on its own holdout; the gate compares both on the same rows." if candidate.previous else ""
    return "\n".join(lines) + note


def _holdout(root: Path, commit: str) -> dict[str, Any]:
    """The metrics that a commit holds; none where they cannot be read."""
    content = read_blob(root, commit, METRICS)
    if content is None:
        return {}
    try:
        holdout = json.loads(content)["holdout"]
        return {cut(name, 60): one for name, one in holdout.items() if isinstance(one, dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _number(value: object) -> str:
    finite = isinstance(value, (int, float)) and math.isfinite(value)
    return f"{value:.4f}" if finite else "-"
