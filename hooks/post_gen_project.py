"""Makes the rendered tree a project: prunes it, builds the library's wheel, links the template, locks and commits.

Without uv, git or a network the tree is usable all the same, and the output names what to run. cruft runs this hook too
when it compares versions of the template: then only what is rendered counts, so nothing is locked or committed.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DEPLOY = Path("deploy")
# What only one way to deploy needs
DEPLOY_FILES = {
    "compose": ("compose", "grafana/provisioning", "prometheus/prometheus.yml", "prometheus/targets.yml"),
    "kubernetes": ("kubernetes", "prometheus/prometheus.kubernetes.yml"),
}
# What watches a deployment, in whichever way it was made
WATCHING = (
    DEPLOY / "grafana",
    DEPLOY / "prometheus",
    Path("docs/runbooks.md"),
    Path(".github/workflows/monitor.yml"),
)
# What only more than one machine needs
SCALING = (DEPLOY / "cluster", Path(".github/workflows/tune.yml"))
LICENSES = Path("licenses")
VENDOR = Path("vendor")
CRUFT = Path(".cruft.json")
PYPI = tuple(f"{name}.org" for name in ("pypi", "files.pythonhosted"))  # index and files
NO_LOCK = "MODELYARD_NO_LOCK"  # set it to generate without uv.lock, as tests and benchmarks do
UPGRADES = "`make upgrade` needs it; `uvx cruft link URL` links the project to the template's Git repository"


def prune(answers: dict[str, Any]) -> None:
    """Keep what the answers need: one licence text, the chosen way to deploy, a cluster's files if there is one."""
    text = (LICENSES / answers["license"]).read_text(encoding="utf-8")
    Path("LICENSE").write_text(text.replace("<author>", answers["author"]), encoding="utf-8")
    shutil.rmtree(LICENSES)
    chosen = answers["deploy_target"]
    unneeded = [DEPLOY / name for target, names in DEPLOY_FILES.items() if target != chosen for name in names]
    unneeded += [*(WATCHING if chosen not in DEPLOY_FILES else ()), *(SCALING if answers["scale"] != "cluster" else ())]
    for path in unneeded:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def vendor() -> None:
    """Replace the library's source in the tree by its wheel, the launcher and the hashes of each stage's code."""
    source = VENDOR / "modelyard"
    sys.dont_write_bytecode = True
    sys.path.insert(0, str((source / "src").resolve()))
    from modelyard.code import code_hashes
    from modelyard.vendoring import hashes, versions, wheel

    name, content = wheel.build(source)
    (VENDOR / name).write_bytes(content)
    shutil.copyfile(source / "src/modelyard/vendoring/launcher.py", VENDOR / "yard")
    (VENDOR / "yard.json").write_text(hashes.text(code_hashes(source / "src/modelyard")), encoding="utf-8")
    Path(versions.VERSIONS).write_text(versions.text(versions.NONE), encoding="utf-8")
    shutil.rmtree(source)


def is_comparison(answers: dict[str, Any]) -> bool:
    """Whether cruft renders this tree only to compare it: alone in a folder that Python made for temporary files."""
    if not answers.get("_commit"):  # which cruft alone sets
        return False
    parent = Path.cwd().resolve().parent
    made_by_python = parent.parent == Path(tempfile.gettempdir()).resolve() and re.fullmatch(r"tmp\w{8}", parent.name)
    return bool(made_by_python) and len(list(parent.iterdir())) == 1


def leave_other_repositories() -> None:
    """Drop the variables that tie git to one repository, as a hook of git has them, so that the folder decides."""
    if any(name.startswith("GIT_") for name in os.environ):
        for name in (_git(Path.cwd(), "rev-parse", "--local-env-vars") or "").split():
            if name not in ("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"):  # settings, such as safe.directory
                os.environ.pop(name, None)


def enclosing() -> str | None:
    """A line to print where the project, a repository of its own, lies in another one that does not ignore it."""
    top = _git(Path.cwd(), "rev-parse", "--show-toplevel")
    if not top or _git(Path.cwd(), "check-ignore", ".") is not None:
        return None
    return (
        f"the project is a repository of its own inside the repository {top}: move it out, as GitHub runs workflows "
        "from the top of a repository only; or add it to that one's .gitignore"
    )


def link(answers: dict[str, Any]) -> str | None:
    """Write .cruft.json, as `cruft create` does, so that `cruft update` works in the project.

    A line to print where the template is not in a Git repository, or where its commit is not all that was rendered.
    """
    note, directory, checkout = None, None, answers.get("_checkout")
    template, commit = answers["_template"], answers.get("_commit")
    if not commit:
        # a relative path is one from where the command was typed; cookiecutter itself is in another folder by now
        folder = Path(os.environ.get("PWD", ""), answers["_repo_dir"]).resolve()
        if not (folder / "cookiecutter.json").is_file():
            return f"{answers['_repo_dir']!r} is not found from here, so there is no .cruft.json: {UPGRADES}"
        if _git(folder, "ls-files", "--error-unmatch", "cookiecutter.json") is None:
            return f"the template is not in a Git repository, so there is no .cruft.json: {UPGRADES}"
        commit = _git(folder, "rev-parse", "HEAD")
        if not commit:
            return f"the template's repository has no commit, so there is no .cruft.json: {UPGRADES}"
        directory = (_git(folder, "rev-parse", "--show-prefix") or "").rstrip("/") or None
        template = _address(folder)
        if _git(folder, "status", "--porcelain", "--", "."):
            note = f"the template has changes that its commit {commit[:7]} lacks, so `make upgrade` will not know them"
    kept = {key: value for key, value in answers.items() if key not in ("_output_dir", "_repo_dir", "_checkout")}
    context = {"cookiecutter": {**kept, "_template": template, "_commit": commit}}
    state = {"template": template, "commit": commit, "checkout": checkout, "context": context, "directory": directory}
    text = json.dumps(state, ensure_ascii=False, indent=2, separators=(",", ": "))
    CRUFT.write_text(f"{text}\n", encoding="utf-8")
    return note


def _address(folder: Path) -> str:
    """Where others find the template: its origin, where that has the commit; else its folder on this machine."""
    origin = _git(folder, "remote", "get-url", "origin")
    if origin and _git(folder, "branch", "--remotes", "--contains", "HEAD"):
        if Path(folder, origin).exists():
            return str(Path(folder, origin).resolve())
        return re.sub(r"^(https?://)[^/@]*@", r"\1", origin)  # .cruft.json is committed, and holds no password
    return str(Path(_git(folder, "rev-parse", "--show-toplevel") or folder))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails or is missing."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return None if done.returncode else done.stdout.strip()


def lock() -> str | None:
    """Make uv.lock; what is to be run by hand where that is not possible."""
    if os.environ.get(NO_LOCK):
        return None
    uv = shutil.which("uv") or shutil.which("uv", path=os.path.dirname(sys.executable))
    if uv is None:
        return "uv was not found, so there is no uv.lock yet: `make setup` makes it; commit it then"
    if _run(uv, "lock", "--quiet"):
        return "uv.lock could not be made (see above): `make setup` tries again; commit it then"
    from modelyard.errors import YardError
    from modelyard.vendoring import versions

    try:
        versions.write_versions()
    except YardError as error:  # a newer uv may write another form of lock
        return str(error)
    return mirrored(Path("uv.lock").read_text(encoding="utf-8"))


def mirrored(text: str) -> str | None:
    """A line to print where a uv.lock names a package mirror, which other machines may not reach."""
    places = set(re.findall(r'\b(?:registry|url) = "(?:\w+://)(?:[^/"@]*@)?([^/"]+)', text))
    others = sorted(places.difference(PYPI))
    if not others:
        return None
    return (
        f"uv.lock names the package mirror {' and '.join(others)}: who cannot reach it, such as GitHub's runners, can "
        f"install nothing. To name PyPI instead, run `UV_DEFAULT_INDEX=https://{PYPI[0]}/simple make lock APPLY=1` "
        "where PyPI can be reached, and commit uv.lock"
    )


def commit(answers: dict[str, Any]) -> str | None:
    """Make the first commit; what is to be run by hand where that is not possible."""
    by_hand = "run `git init -b main && git add --all && git commit -m 'Generate the project'`"
    git = ["git", "-c", "maintenance.auto=0"]
    try:
        failed = _run("git", "init", "--quiet", "--initial-branch=main", "--template=") or _run(*git, "add", "--all")
        save = ["commit", "--quiet", "--no-status", "--message=Generate the project"]
        if not failed and _run(*git, *save, stderr=subprocess.DEVNULL):  # where git knows nobody, the author commits
            email = f"{answers['github_owner']}@users.noreply.github.com"
            failed = _run(*git, "-c", f"user.name={answers['author']}", "-c", f"user.email={email}", *save)
    except FileNotFoundError:
        return f"git was not found, so nothing is committed: {by_hand}"
    return f"git could not commit (see above): {by_hand}" if failed else None


def place() -> str:
    """The project's folder as an argument of `cd` where the command was typed; in full where that is not sure."""
    here = Path.cwd()
    typed_in = Path(os.environ.get("PWD", ""))
    # make's own folder is not the one where make was typed
    known = "MAKELEVEL" not in os.environ and typed_in.is_absolute() and typed_in.is_dir()
    return shlex.quote(here.name if known and typed_in.samefile(here.parent) else str(here))


def _run(*command: str, stderr: int | None = None) -> int:
    """Run a command; its exit status. Its standard error is shown, unless `stderr` says otherwise."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=stderr, check=False).returncode


def main(answers: dict[str, Any]) -> None:
    """Finish the project in the current folder."""
    try:
        prune(answers)
        vendor()
    except (OSError, ImportError) as error:
        sys.exit(f"refused: the template is not complete: {error}")
    if Path(".git").exists() or is_comparison(answers):
        return
    leave_other_repositories()
    notes = [note for note in (enclosing(), link(answers), lock(), commit(answers)) if note]
    print("\n".join([*notes, "Next:", f"  cd {place()}", "  make pipeline", "  make report"]))


if __name__ == "__main__":
    # pairs, because tojson sorts the keys of a dictionary, and cruft does not
    main(dict(json.loads(r"""{{ cookiecutter.items() | list | tojson }}""")))
