"""The files that workflows' runs left as artifacts: the newest of each name, which GitHub keeps for a while.

A fork's pull request can put anything into an artifact, so only those of the repository's own branches count; and only
what a run on main left tells of more than one change.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from ..github.api import Client, GitHubError
from .reports import COSTS, NAMES, TUNING, RunFiles

# The artifacts of the project's workflows, and whether they are those of a run on main
OF_MAIN = re.compile(r"tests-[0-9.]+|proof|verdict|monitoring|deployment|tuning")
OF_CHANGES = "report"
NEWEST = 100  # artifacts that are looked through
LARGEST = 20_000_000  # bytes of one artifact, and of one file in it
ZIP = "application/vnd.github+json"  # GitHub answers with the address of the file


def read_artifacts(github: Client, repository: str) -> Iterator[RunFiles]:
    """The files of the newest artifact of each name, the newest first. Raises GitHubError."""
    main = github.request("GET", f"/repos/{repository}")["default_branch"]
    listed = github.request("GET", f"/repos/{repository}/actions/artifacts?per_page={NEWEST}")["artifacts"]
    seen: set[str] = set()
    for one in sorted(listed, key=lambda artifact: str(artifact["created_at"]), reverse=True):
        if one["name"] not in seen and not one["expired"] and _counts(one, main):
            seen.add(one["name"])
            yield _read(github, repository, one)


def _counts(artifact: Mapping[str, Any], main: str) -> bool:
    run = artifact.get("workflow_run") or {}
    is_own = run.get("id") is not None and run.get("head_repository_id") == run.get("repository_id")
    if OF_MAIN.fullmatch(artifact["name"]):
        return is_own and run.get("head_branch") == main
    return is_own and artifact["name"] == OF_CHANGES


def _read(github: Client, repository: str, artifact: Mapping[str, Any]) -> RunFiles:
    run, when = artifact["workflow_run"], str(artifact["created_at"])
    server = (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    where = f"{server}/{repository}/actions/runs/{run['id']}"
    if artifact["name"] == TUNING:  # that it is there says all
        return RunFiles({TUNING: b""}, {TUNING: when}, where, run["head_sha"])
    path = f"/repos/{repository}/actions/artifacts/{artifact['id']}/zip"
    files = _unpack(github.download(path, LARGEST, accept=ZIP), path)
    return RunFiles(files, dict.fromkeys(files, when), where, run["head_sha"])


def _unpack(content: bytes, path: str) -> dict[str, bytes]:
    """Those of the files that are known here, by their names in reports/."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            listed = {entry.filename.removeprefix("reports/"): entry for entry in packed.infolist()}
            wanted = [name for name in (*NAMES, *COSTS) if name in listed]
            if large := [name for name in wanted if listed[name].file_size > LARGEST]:
                raise GitHubError(f"GET {path}: {large[0]} in it has more than {LARGEST:,} bytes")
            return {name: packed.read(listed[name]) for name in wanted}
    except zipfile.BadZipFile as error:
        raise GitHubError(f"GET {path}: the answer is no zip file ({error}); try again") from None
