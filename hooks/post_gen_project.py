"""Makes the rendered tree a project: prunes, locks, commits, and says what to do next.

Without uv, git or a network the tree is usable all the same, and what to run is said. cruft runs this hook too when it
compares versions of the template: then only what is rendered counts, and nothing but pruning is done.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

DEFAULT_PACKAGE = "flight_delays"  # the package's name in the files that are copied as they are
NO_LOCK = "TRAINYARD_NO_LOCK"  # set it to generate without uv.lock, as tests and benchmarks do


def prune(root: Path, answers: dict[str, str]) -> None:
    """Keep what the answers need: of the licence texts, the one that was chosen."""
    texts = root / "licenses"
    (texts / answers["license"]).rename(root / "LICENSE")
    shutil.rmtree(texts)


def name_package(root: Path, answers: dict[str, str]) -> None:
    """Put the package's name where plain Python imports it: into the tests, the notebook and one file of ops."""
    package = answers["project"].replace("-", "_")
    if package == DEFAULT_PACKAGE:
        return
    for path in [*root.glob("tests/**/*.py"), *root.glob("notebooks/*.py"), root / "ops/project.py"]:
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(rf"\b{DEFAULT_PACKAGE}\b", package, text), encoding="utf-8")


def is_comparison(root: Path, answers: dict[str, str]) -> bool:
    """Whether cruft renders this tree only to compare it: alone in a folder that Python made for temporary files."""
    if "_commit" not in answers:  # which cruft alone sets
        return False
    import tempfile

    parent = root.parent
    made_by_python = parent.parent == Path(tempfile.gettempdir()).resolve() and re.fullmatch(r"tmp\w{8}", parent.name)
    return bool(made_by_python) and len(list(parent.iterdir())) == 1


def lock(root: Path) -> str | None:
    """Make uv.lock; what is to be run by hand where that is not possible."""
    if os.environ.get(NO_LOCK):
        return None
    uv = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)
    if uv is None:
        return "uv was not found, so there is no uv.lock yet: `make setup` makes it; commit it then"
    made = _run([uv, "lock", "--quiet"], root)
    return made and f"uv.lock could not be made ({made}): `make setup` tries again; commit it then"


def commit(root: Path, answers: dict[str, str]) -> str | None:
    """Make the first commit; what is to be run by hand where that is not possible."""
    by_hand = "run `git init -b main && git add --all && git commit -m 'Generate the project'`"
    if shutil.which("git") is None:
        return f"git was not found, so nothing is committed: {by_hand}"
    who = []
    if _run(["git", "config", "user.email"], root):
        email = f"{answers['github_owner']}@users.noreply.github.com"
        who = ["-c", f"user.name={answers['author']}", "-c", f"user.email={email}"]
    steps = [
        # without sample hooks, and without a look at what might be tidied up
        ["git", "init", "--quiet", "--initial-branch=main", "--template="],
        ["git", "add", "--all"],
        ["git", *who, "-c", "maintenance.auto=0", "commit", "--quiet", "--message=Generate the project"],
    ]
    failed = next(filter(None, (_run(step, root) for step in steps)), None)
    return failed and f"git could not commit ({failed}): {by_hand}"


def _run(command: list[str], root: Path) -> str | None:
    """Run a command; the last line of what it said where it failed."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    return (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]


def main(answers: dict[str, str]) -> None:
    """Finish the project in the current folder."""
    root = Path.cwd().resolve()
    prune(root, answers)
    name_package(root, answers)
    if (root / ".git").exists() or is_comparison(root, answers):
        return
    notes = list(filter(None, (lock(root), commit(root, answers))))
    print("\n".join([*notes, "Next:", f"  cd {answers['project']}", "  make pipeline", "  make report"]))


if __name__ == "__main__":
    main(json.loads(r"""{{ cookiecutter | tojson }}"""))
