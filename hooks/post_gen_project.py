"""Makes the rendered tree a project: prunes, names the package, locks, commits, and says what to do next.

Without uv, git or a network the tree is usable all the same, and what to run is said. cruft runs this hook too when it
compares versions of the template: then only what is rendered counts, and nothing is locked or committed.

Generating takes a third of a second, so a module that is needed only sometimes is imported where it is.
"""

import os
import sys

DEFAULT_PACKAGE = "flight_delays"  # the package's name in the files that are copied as they are
DEPLOY_TARGETS = ("compose", "kubernetes")
DEPLOY_FOLDERS = ("deploy", "ops/deploying", "tests/ops/deploying")  # each has a folder of each target
NO_LOCK = "TRAINYARD_NO_LOCK"  # set it to generate without uv.lock, as tests and benchmarks do


def prune(answers: dict[str, str]) -> None:
    """Keep what the answers need: of the licence texts, and of the ways to deploy, the one that was chosen."""
    with open(f"licenses/{answers['license']}", encoding="utf-8") as chosen:
        text = chosen.read().replace("<author>", answers["author"])
    with open("LICENSE", "w", encoding="utf-8") as written:
        written.write(text)
    for name in os.listdir("licenses"):
        os.remove(f"licenses/{name}")
    os.rmdir("licenses")
    for target in DEPLOY_TARGETS:
        if target != answers["deploy_target"]:
            for folder in DEPLOY_FOLDERS:
                _remove(f"{folder}/{target}")


def _remove(folder: str) -> None:
    """Remove a folder with all that is in it, where it is there."""
    # importing shutil takes as long as all the rest
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            os.remove(f"{place}/{name}")
        for name in folders:
            os.rmdir(f"{place}/{name}")
    if os.path.isdir(folder):
        os.rmdir(folder)


def name_package(answers: dict[str, str]) -> None:
    """Put the package's name where plain Python imports it: into the tests, the notebook and one file of ops."""
    package = answers["project"].replace("-", "_")
    if package == DEFAULT_PACKAGE:
        return
    import re
    from pathlib import Path

    for path in [*Path("tests").rglob("*.py"), *Path("notebooks").glob("*.py"), Path("ops/project.py")]:
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(rf"\b{DEFAULT_PACKAGE}\b", package, text), encoding="utf-8")


def is_comparison(answers: dict[str, str]) -> bool:
    """Whether cruft renders this tree only to compare it: alone in a folder that Python made for temporary files."""
    if not answers.get("_commit"):  # which cruft alone sets
        return False
    import re
    import tempfile
    from pathlib import Path

    parent = Path.cwd().resolve().parent
    made_by_python = parent.parent == Path(tempfile.gettempdir()).resolve() and re.fullmatch(r"tmp\w{8}", parent.name)
    return bool(made_by_python) and len(list(parent.iterdir())) == 1


def lock() -> str | None:
    """Make uv.lock; what is to be run by hand where that is not possible."""
    if os.environ.get(NO_LOCK):
        return None
    import shutil

    uv = shutil.which("uv") or shutil.which("uv", path=os.path.dirname(sys.executable))
    if uv is None:
        return "uv was not found, so there is no uv.lock yet: `make setup` makes it; commit it then"
    if _run(uv, "lock", "--quiet"):
        return "uv.lock could not be made (see above): `make setup` tries again; commit it then"
    return None


def commit(answers: dict[str, str]) -> str | None:
    """Make the first commit; what is to be run by hand where that is not possible."""
    by_hand = "run `git init -b main && git add --all && git commit -m 'Generate the project'`"
    # all files into one pack as they are, and no look at what might be tidied up: git does that later by itself
    git = ["git", "-c", "core.bigFileThreshold=1", "-c", "core.compression=0", "-c", "maintenance.auto=0"]
    try:
        failed = _run("git", "init", "--quiet", "--initial-branch=main", "--template=") or _run(*git, "add", "--all")
        save = ["commit", "--quiet", "--no-status", "--message=Generate the project"]
        if not failed and _run(*git, *save, silent=True):  # where git knows nobody, the author commits
            email = f"{answers['github_owner']}@users.noreply.github.com"
            failed = _run(*git, "-c", f"user.name={answers['author']}", "-c", f"user.email={email}", *save)
    except FileNotFoundError:
        return f"git was not found, so nothing is committed: {by_hand}"
    return f"git could not commit (see above): {by_hand}" if failed else None


def _run(*command: str, silent: bool = False) -> int:
    """Run a command and wait; its status. What it says on standard error is shown, unless it is to be silent."""
    # posix_spawn, because importing subprocess takes as long as git does
    nowhere = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in ((1, 2) if silent else (1,))]
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=nowhere)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main(answers: dict[str, str]) -> None:
    """Finish the project in the current folder."""
    prune(answers)
    name_package(answers)
    if os.path.exists(".git") or is_comparison(answers):
        return
    notes = list(filter(None, (lock(), commit(answers))))
    print("\n".join([*notes, "Next:", f"  cd {answers['project']}", "  make pipeline", "  make report"]))


if __name__ == "__main__":
    # each answer as Python writes it: importing json takes half as long as starting Python
    main(
        {
            "project": {{cookiecutter.project | pprint}},  # noqa: F821
            "author": {{cookiecutter.author | pprint}},  # noqa: F821
            "github_owner": {{cookiecutter.github_owner | pprint}},  # noqa: F821
            "license": {{cookiecutter.license | pprint}},  # noqa: F821
            "deploy_target": {{cookiecutter.deploy_target | pprint}},  # noqa: F821
            "_commit": {{cookiecutter._commit | default("") | pprint}},  # noqa: F821
        }
    )
