"""Try a project's pull request without GitHub: its real workflow files run here, and the comment is shown.

    python -m workflows PROJECT

Main is the project's branch `main`. The pull request is what the current branch has beyond it, pushed commit by commit,
and then what is not committed yet. With nothing of either, main itself is pushed and proven.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .local import GitHub, PullRequest, Run

BRANCH = "change"
LINES = 30  # of what a step that failed printed
FILES = ("ci.yml", "train.yml", "report.yml")


def git(folder: Path, *arguments: str) -> str:
    """What git printed; it must succeed."""
    who = ["-c", "user.name=you", "-c", "user.email=you@example.invalid"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"error: git {arguments[0]} in {folder} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def steps(project: Path, folder: Path) -> list[Path]:
    """A clone for each state that the pull request goes through."""
    states = git(project, "rev-list", "--reverse", "main..HEAD").splitlines()
    changed = git(project, "ls-files", "--modified", "--deleted", "--others", "--exclude-standard").splitlines()
    clones = []
    for number, state in enumerate([*states, *(["HEAD"] if changed else [])]):
        clone = folder / str(number)
        git(project, "clone", "--quiet", "--no-hardlinks", str(project), str(clone))
        git(clone, "checkout", "--quiet", "--detach", git(project, "rev-parse", state))
        clones.append(clone)
    for name in changed:
        if (project / name).is_file():
            (clones[-1] / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / name, clones[-1] / name)
        else:
            (clones[-1] / name).unlink(missing_ok=True)
    if changed:
        git(clones[-1], "add", "--all")
        git(clones[-1], "commit", "--quiet", "--message", "What is not committed yet")
    return clones


def show(runs: list[Run]) -> None:
    """Each run with its jobs, and why those failed that did."""
    for run in runs:
        print(f"\n{run.file} on {run.event.name}: {run.conclusion}")
        for job in run.jobs.values():
            failed = [name for name, ended in job.steps.items() if ended == "failure"]
            print(f"  {job.name}: {job.conclusion}{f' in {failed}' if failed else ''}")
            for name in failed:
                said = job.log.partition(f"## {name}\n")[2].partition("\n## ")[0]
                print("\n".join(f"    {line}" for line in said.splitlines()[-LINES:]))


def try_out(github: GitHub, project: Path, folder: Path, files: set[str]) -> tuple[PullRequest | None, bool]:
    """Push main, then each state of the pull request; that, and whether its last runs all passed."""
    repository = github.create(f"you/{project.name}")
    clones = steps(project, folder)
    main = folder / "main"
    git(project, "clone", "--quiet", "--branch", "main", str(project), str(main))
    github.push(repository, "main", main)
    if not clones:
        runs = github.deliver(only=files)
        show(runs)
        # there is no report to post for a push to main
        return None, all(run.conclusion in ("success", "skipped") for run in runs)
    github.deliver(only=())
    pull, passed = None, False
    for clone in clones:
        github.push(repository, BRANCH, clone)  # over a commit of dvc.lock that a run may have made
        pull = pull or github.open_pull_request(repository, BRANCH)
        runs = github.deliver(only=files)
        show(runs)
        passed = all(run.conclusion == "success" for run in runs)
    return pull, passed


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m workflows", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("project", type=Path, help="its root folder")
    parser.add_argument("--only", nargs="+", choices=FILES, default=["train.yml", "report.yml"], help="which workflows")
    given = parser.parse_args()
    project = given.project.resolve()
    if not (project / ".github/workflows/train.yml").is_file():
        sys.exit(f"error: {project} is no generated project: it has no .github/workflows/train.yml")
    with tempfile.TemporaryDirectory(prefix="local-github-") as made:
        github = GitHub(Path(made) / "github")
        # the jobs run one after the other; GitHub gives each a new one
        github.env["LOCAL_GITHUB_ENVIRONMENT"] = str(Path(made) / "environment")
        try:
            pull, passed = try_out(github, project, Path(made), set(given.only))
        finally:
            github.stop()
        for number, comment in enumerate(pull.comments if pull else (), start=1):
            print(f"\n----- comment {number} on the pull request -----\n{comment}")
    sys.exit(0 if passed else 1)


main()
