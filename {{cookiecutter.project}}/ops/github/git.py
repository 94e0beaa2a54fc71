"""Running git in a folder that holds somebody's branch: none of its hooks runs, and nothing is asked for."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

from .api import GitHubError

# No hook, no file system monitor and no signing program of the checkout or of the machine
QUIET = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false"]
TIMEOUT = 120.0  # seconds


def git(folder: Path, *arguments: str, text: str | None = None, token: str | None = None) -> str:
    """What git prints. Raises GitHubError with what it said where it fails."""
    done = try_git(folder, *arguments, text=text, token=token)
    if done.returncode:
        said = " ".join(done.stderr.split())[-400:]
        raise GitHubError(f"git {arguments[0]} in {folder} ended with {done.returncode}: {said or 'it said nothing'}")
    return done.stdout


def try_git(
    folder: Path, *arguments: str, text: str | None = None, token: str | None = None
) -> subprocess.CompletedProcess[str]:
    """How git ended. A token is sent to GITHUB_SERVER_URL only, and stands in no argument that others could list."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    if token:
        server = (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
        known = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        environment |= {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {known}",
            "GIT_CONFIG_KEY_1": "credential.helper",
            "GIT_CONFIG_VALUE_1": "",  # and no other credential is tried
        }
    try:
        return subprocess.run(  # noqa: S603 - a list; callers check what comes from outside
            ["git", "-C", str(folder), *QUIET, *arguments],  # noqa: S607 - the git of the PATH
            env=environment,
            input=text or "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT,
        )
    except FileNotFoundError:
        raise GitHubError("git was not found on the PATH; install it") from None
    except subprocess.TimeoutExpired:
        raise GitHubError(f"git {arguments[0]} in {folder} did not finish in {TIMEOUT:g} seconds") from None
