"""`upgrade`: bring in the newest version of the template and its library.

It runs `cruft update` and locks again, then lists which stages run again. Nothing is committed. It needs uv, and a
clean working tree.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..code import STAGES, code_hashes
from ..errors import YardError
from ..git import git, read_blob, without_repository
from .check import CRUFT
from .guard import HASHES, VENDOR
from .hashes import text
from .launcher import VendorError, find_library


def changed_stages(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The stages whose code differs between two contents of vendor/yard.json, in the pipeline's order."""
    return [stage for stage in STAGES if before.get(stage) != after.get(stage)]


def unmerged(root: Path) -> list[str]:
    """The files that `cruft update` left with a conflict: unmerged in Git's index, or beside a rejected patch."""
    index = {line.partition("\t")[2] for line in git(root, "ls-files", "--unmerged").splitlines()}
    others = git(root, "ls-files", "--others").splitlines()
    return sorted(index | {name.removesuffix(".rej") for name in others if name.endswith(".rej")})


def _commands() -> tuple[list[str], str]:
    """How to run cruft and uv. Raises YardError where they are missing."""
    uv, cruft = shutil.which("uv"), shutil.which("cruft")
    if not uv:
        raise YardError("`upgrade` needs uv, to lock and to run cruft, and it is not on the PATH; install uv")
    # the template's hooks need the Python that the library needs
    return [cruft] if cruft else [uv, "tool", "run", "--python", ">=3.11", "cruft"], uv


def _require_clean(root: Path) -> None:
    if not (root / CRUFT).is_file():
        raise YardError(
            "there is no .cruft.json, which names the template and the version of it that this project has: link it "
            "with `uvx cruft link URL`, URL being the template's Git repository, and commit the file"
        )
    if git(root, "status", "--porcelain").strip():
        raise YardError("the working tree has changes; commit them first, so that the upgrade is one change to review")


def _run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    sys.stdout.flush()
    return subprocess.run(command, env={**without_repository(), **(environment or {})}, check=False).returncode  # noqa: S603


def _new_hashes(root: Path) -> dict[str, str]:
    """vendor/yard.json after the update, which must be that of the vendored library."""
    try:
        library = find_library(root / VENDOR)
    except VendorError as error:
        note = "; the library is ejected here, so merge its new version by hand" if _is_ejected(root) else ""
        raise YardError(f"{error}{note}") from None
    listed: dict[str, str] = json.loads((root / HASHES).read_text(encoding="utf-8"))
    if library.suffix == ".whl":
        inside = zipfile.Path(io.BytesIO(library.read_bytes()), "modelyard/")
        if text(code_hashes(inside)) != text(listed):
            raise YardError(f"{HASHES} is not that of {library.name}: the update is not whole; undo it with "
                            "`git reset --hard`, and see the messages of cruft above")  # fmt: skip
    return listed


def _is_ejected(root: Path) -> bool:
    return (root / VENDOR / "modelyard" / "src").is_dir()


def _library_name(root: Path) -> str:
    return ", ".join(path.stem.split("-")[1] for path in sorted((root / VENDOR).glob("modelyard-*.whl"))) or "ejected"


def _commit_of(root: Path) -> str:
    return str(json.loads((root / CRUFT).read_text(encoding="utf-8"))["commit"])[:7]


def _report(root: Path, folder: Path, conflicts: list[str], stages: list[str]) -> None:
    """Write upgrade.json and, without a conflict, upgrade.patch; the index stays as it is."""
    folder.mkdir(exist_ok=True)
    old = json.loads(read_blob(root, "HEAD", CRUFT.as_posix()) or b"{}").get("commit", "")
    new = json.loads((root / CRUFT).read_text(encoding="utf-8")).get("commit", "")
    content = {"from": old, "to": new, "conflicts": conflicts, "stages": stages}
    (folder / "upgrade.json").write_text(json.dumps(content) + "\n", encoding="utf-8")
    if conflicts:
        return
    with tempfile.TemporaryDirectory(prefix="upgrade-") as made:
        index = Path(made) / "index"
        git(root, "read-tree", "HEAD", index=index)
        git(root, "add", "--all", index=index)
        compare = ("diff", "--cached", "--no-ext-diff", "--no-textconv", "--no-renames", "--binary")
        git(root, *compare, f"--output={(folder / 'upgrade.patch').absolute()}", "HEAD", index=index)


def main(arguments: Sequence[str] | None = None) -> None:
    """Update, lock, and print what runs again; exit status 1 where a person must resolve a conflict."""
    parser = argparse.ArgumentParser(
        prog="upgrade", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", metavar="REF", help="a branch, tag or commit of the template; else its newest")
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="for a workflow: write what changed, or conflicts, into a folder"
    )
    given = parser.parse_args(arguments)
    root = Path()
    _require_clean(root)
    cruft, uv = _commands()
    before = json.loads(read_blob(root, "HEAD", HASHES.as_posix()) or b"{}")
    had = _library_name(root), _commit_of(root)
    wanted = ["--checkout", given.checkout] if given.checkout else []
    if _run([*cruft, "update", "--skip-apply-ask", *wanted]):
        raise YardError("cruft could not update the project, see above; nothing is changed")
    conflicts = unmerged(root)
    if conflicts and given.report:
        _report(root, given.report, conflicts, [])
        print(f"conflicts, so there is no patch: {', '.join(conflicts)}")
        return
    if conflicts:
        sys.exit(
            "error: the template and this project changed the same lines; resolve the conflicts in\n"
            + "\n".join(f"  {name}" for name in conflicts)
            + "\nthen run `git add` on them, `make lock APPLY=1`, `make setup` and `make pipeline`; "
            "`git reset --hard` undoes all"
        )
    if not git(root, "status", "--porcelain").strip():
        print("The project has the newest version of its template already.")
        return
    after = _new_hashes(root)
    if _run([uv, "lock", "--upgrade-package", "modelyard"]):  # reads a wheel of the same name again
        raise YardError("uv.lock could not be made, see above; mend pyproject.toml and run `make lock APPLY=1`")
    stages = changed_stages(before, after)
    if given.report:
        _report(root, given.report, [], stages)
    print(f"Template: {had[1]} -> {_commit_of(root)}. Library: {had[0]} -> {_library_name(root)}.")
    if stages:
        print(f"Stages whose code changed, with those after them, run again: {', '.join(stages)}.")
    else:
        print("No stage's code changed: the pipeline runs what dvc.yaml, params.yaml and your own files say.")
    print(
        "Next:\n  git diff HEAD --stat                     # what changed in the project's files\n"
        "  python3 vendor/yard diff --ref HEAD      # what changed in the library\n"
        "  make setup pipeline                      # then commit"
    )
