"""Runs CML, recognises its watermark, and predicts which comment it would update.

CML recognises its comment by an image at the end of the text. It reads the first 30 comments only, takes the last one
with the image, and ignores the author.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..git import git

TITLE = "model-report"
MOST_COMMENTS = 30
TIMEOUT = 120.0  # seconds
# The environment variables that CML and Node need; all others, including secrets, are withheld
PASSED = {
    *("PATH", "LANG", "LC_ALL", "GITHUB_API_URL", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "all_proxy"),
}
_MARK = re.compile(rf'!\[\]\(https://cml\.dev/watermark\.png#[0-9a-fA-F]+ "CML watermark {TITLE}"\)')


def mark(head: str) -> str:
    """The watermark that CML writes for a commit."""
    return f'![](https://cml.dev/watermark.png#{head} "CML watermark {TITLE}")'


def is_marked(body: str | None) -> bool:
    """Whether CML would recognise a comment as its own, for any commit."""
    return bool(_MARK.search(body or ""))


def would_update(comments: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The comment that CML would update, None where it would write a new one."""
    return next((one for one in reversed(comments[:MOST_COMMENTS]) if is_marked(one.get("body"))), None)


def run(text: str, number: int, head: str, repository: str, token: str, timeout: float = TIMEOUT) -> str | None:
    """Post a text on a pull request with CML. Returns an error message, None on success."""
    program = _program()
    if isinstance(program, str):
        return program
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    with tempfile.TemporaryDirectory(prefix="cml-") as home:
        report = Path(home) / "report.md"
        report.write_text(text, encoding="utf-8")
        command = [*program, "comment", "update", "--no-publish", f"--target=pr/{number}"]
        command += [f"--repo={server}/{repository}", f"--watermark-title={TITLE}", str(report)]
        # the commit goes into the watermark
        return _finish(command, _environment(home, repository, head, token), Path(home), Path(home), timeout, token)


def create_pull(
    checkout: Path,
    branch: str,
    target: str,
    title: str,
    body: str,
    repository: str,
    token: str,
    timeout: float = TIMEOUT,
) -> str | None:
    """Push HEAD of a checkout to a new branch, and open a pull request with CML. Returns an error message, or None.

    CML takes what is committed, because it is given no files; then it adds nothing to the message either. It may exit
    with success and have done nothing, so the caller looks.
    """
    program = _program()
    if isinstance(program, str):
        return program
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    head, origin = (
        git(checkout, *words).strip() for words in (("rev-parse", "HEAD^"), ("remote", "get-url", "origin"))
    )
    with tempfile.TemporaryDirectory(prefix="cml-") as home:
        command = [*program, "pr", "create", f"--repo={server}/{repository}", f"--branch={branch}"]
        command += [f"--target-branch={target}", f"--title={title}", f"--body={body}"]
        try:
            # it fetches the commit of GITHUB_SHA, which must be on the server
            environment = _environment(home, repository, head, token)
            return _finish(command, environment, Path(home), checkout, timeout, token)
        finally:
            git(checkout, "remote", "set-url", "origin", origin)  # CML writes the token into it


def _environment(home: str, repository: str, sha: str, token: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in PASSED} | {
        "HOME": home,  # CML writes to the settings of git and to its own
        "ITERATIVE_DO_NOT_TRACK": "1",
        "GITHUB_REPOSITORY": repository,
        "GITHUB_SHA": sha,
        "GITHUB_TOKEN": token,
    }


def _program() -> list[str] | str:
    """The command that starts CML: the program that the variable CML names, run by Node if it is a script, else the one
    on the PATH. An error message if there is none."""
    setting = os.environ.get("CML")
    if not setting:
        program = shutil.which("cml")
        return [program] if program else "cml is not on the PATH"
    path = Path(setting).absolute()
    if not path.is_file():
        return f"CML is {setting}, and there is no such file"
    if path.suffix != ".js":
        return [str(path)]
    node = shutil.which("node")
    return [node, str(path)] if node else "node is not on the PATH"


def _finish(
    command: list[str], environment: dict[str, str], home: Path, folder: Path, timeout: float, token: str
) -> str | None:
    # into a file, because a pipe stays open as long as any descendant holds it
    with (home / "output").open("w+", encoding="utf-8", errors="replace") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - a list, and no value of it is a word of the pull request
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as failure:
            return f"cml cannot be run: {failure.strerror}"
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"cml did not finish in {timeout:g} seconds"
        output.seek(0)
        printed = " ".join(output.read(20_000).replace(token, "***").split())
    return None if status == 0 else f"cml ended with {status}: {printed[:300] or 'it printed nothing'}"
