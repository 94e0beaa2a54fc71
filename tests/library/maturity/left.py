"""Artifacts of runs on the local GitHub."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from library.github_server import GitHub


def leave(github: GitHub, name: str, files: Mapping[str, bytes], number: int, **run: object) -> None:
    """An artifact of a run on main."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    owner = {"repository_id": 1, "head_repository_id": 1, "head_branch": "main", "head_sha": "c" * 40}
    github.artifacts.append(
        {
            "id": number,
            "name": name,
            "expired": False,
            "created_at": f"2026-04-15T05:{number:02}:00Z",
            "workflow_run": {"id": number, **owner, **run},
            "content": packed.getvalue(),
        }
    )
