"""Retrain a commit from its source, without trusting dvc.lock or any cache, and compare with the committed outputs.

Exit status: 0 the outputs are identical or equivalent (or there is nothing to prove yet), 1 they are different, 2 could
not be judged, which never counts as passed. proof.py defines these words. The commit runs with its own library in
vendor/. Writes reports/prove.json and reports/prove.md. Outputs that are identical go to the DVC cache. With --settle,
so do retrained outputs in place of committed ones that are not on this machine, if all that Git holds agrees.
"""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import ContractError, YardError
from ..git import find_commit, git
from ..judging.lock import CACHE, LOCK, Lock, path_md5, read_lock, take
from ..runtime.project import Project
from ..training import layout
from ..vendoring.versions import VERSIONS
from .outdated import outdated, torn
from .proof import PROOF, Proof, Word, compare, in_words
from .scratch import Scratch
from .settle import settle
from .source import bring_tracked
from .tolerance import TOLERANCE, Difference

BUNDLE = layout.BUNDLE.as_posix()
ENVIRONMENT = layout.ENVIRONMENT.as_posix()
REFUSALS = ("the source changed in periods", "breaks the contract")  # parts of `ingest`'s messages about changed data


def prove(project: Project, ref: str | None = None, place: bool = False) -> Proof:
    """Prove the commit that `ref` names; without it, HEAD, from which the tracked files must not differ.

    place: whether retrained outputs may take the place of committed ones that cannot be had; see settle.py.

    Raises ContractError if it cannot be judged.
    """
    commit = find_commit(Path(), ref or "HEAD")
    if commit is None:
        raise ContractError(f"there is no commit {ref or 'HEAD'!r} here")
    if ref is None and (edited := _edited()):
        raise ContractError(
            f"a commit is what can be proven, and these files differ from HEAD: {', '.join(edited)}; commit them, or "
            "prove HEAD without them with `--ref HEAD`"
        )
    with Scratch(project, commit) as scratch:
        proof = dataclasses.replace(settle(_prove(scratch), scratch, place), commit=commit)
        same_bytes = scratch.has_rebuilt and proof.verdict == "equivalent" and proof.rewritten == (BUNDLE,)
        if proof.verdict == "identical" or same_bytes:
            scratch.share(CACHE)  # so that the proven outputs need not be made again
        return proof


def _edited() -> list[str]:
    """The tracked files of the project that differ from HEAD; other folders of its repository do not count.

    Nor does versions.json, which `make setup` writes and the proof makes again.
    """
    listed = git(Path(), "diff", "--name-only", "--relative", "-z", "HEAD", "--", ".")
    return [path for path in listed.split("\0") if path and path != VERSIONS.as_posix()]


def _prove(scratch: Scratch) -> Proof:
    lock = read_lock(scratch.root / LOCK)
    if BUNDLE not in lock.outs:
        return Proof(
            "nothing",
            "the commit has no bundle in its dvc.lock yet, so there is nothing to prove; to have one, run `make "
            "pipeline` and commit dvc.lock, or open a pull request, where the workflow commits it",
        )
    bring_tracked(Path.cwd(), scratch.root)  # first, because DVC does not say of a missing file whether it has changed
    if differences := outdated(lock, scratch.status(), scratch.root):
        reason = "dvc.lock is stale: it was not made from this commit; run `make pipeline` and commit dvc.lock"
        return Proof("different", reason, differences=tuple(differences), sides=("in dvc.lock", "in the commit"))
    scratch.keep(lock.outs)
    scratch.bring_source(Path.cwd())
    failure = scratch.retrain()
    return judge(lock, scratch) if failure is None else _failed(failure)


def _failed(message: str) -> Proof:
    """The verdict if a stage failed: different if the data has changed, else unjudged."""
    if any(refusal in message for refusal in REFUSALS):
        return Proof("different", f"the source does not give the data that was committed:\n{message}")
    return Proof("unjudged", f"the pipeline failed, so the commit could not be judged:\n{message}")


def judge(lock: Lock, scratch: Scratch, cache: Path = CACHE) -> Proof:
    """The verdict on a commit with this lock, after retraining in `scratch`."""
    locked, retrained = lock.outs, read_lock(scratch.root / LOCK).outs
    edited = [path for path, md5 in locked.items() if path_md5(scratch.kept / path) not in (md5, None)]
    rewritten = [path for path, md5 in locked.items() if retrained.get(path) != md5 or path in edited]
    missing = [path for path in rewritten if not _bring(path, locked[path], scratch, cache)]
    proven = _rebuilt(rewritten, missing, locked, scratch)
    missing = [path for path in missing if path not in proven]
    compared = [path for path in rewritten if path not in missing and path not in proven]
    differences, environment = compare(scratch.kept, scratch.root, compared, scratch.compare_answers)
    differences += torn(lock)
    differences += [Difference(path, None, "an output") for path in retrained if path not in locked]
    # outputs whose stage did not run
    differences += [Difference(path, "an output", None) for path in locked if path not in retrained]
    # the file in the commit was compared; the version that the lock names does not exist
    differences += [
        Difference(f"dvc.lock: {path}", locked[path], retrained.get(path))
        for path in edited
        if retrained.get(path) != locked[path]
    ]
    if BUNDLE not in rewritten:  # the committed bundle is the retrained one, so its environment is the one here
        differences += [
            Difference(f"{ENVIRONMENT}: {difference.where}", difference.committed, difference.retrained)
            for difference in environment
        ]
    # another environment is reported separately
    rewritten = [path for path in rewritten if path != ENVIRONMENT or path in missing]
    return _conclude(rewritten, missing, differences, environment)


def _bring(path: str, md5: str, scratch: Scratch, cache: Path) -> bool:
    """Bring the committed output to `scratch.kept` if it is not there; return whether it is."""
    return (scratch.kept / path).exists() or take(md5, scratch.kept / path, cache)


def _rebuilt(rewritten: list[str], missing: list[str], locked: dict[str, str], scratch: Scratch) -> set[str]:
    """The bundle, if it gets the hash of the lock when it is assembled again from the committed outputs; else nothing.

    This is tried if the committed bundle is not available, or if it names another environment.
    """
    needed = BUNDLE in rewritten and (BUNDLE in missing or ENVIRONMENT in rewritten)
    if not needed or {*missing} - {BUNDLE}:
        return set()
    return {BUNDLE} if scratch.rebuild_bundle(locked) else set()


def _conclude(
    rewritten: list[str], missing: list[str], differences: list[Difference], environment: list[Difference]
) -> Proof:
    environments = "".join(f"; {in_words(difference)}" for difference in environment[:3])
    verdict: Word = "identical"
    reason = "retraining from the source gave the same bytes"
    if differences:
        verdict = "different"
        more = f" (and {len(differences) - 1:,} more)" if len(differences) > 1 else ""
        likely = "; the likely reason is the environment" if environment else ""
        reason = f"{in_words(differences[0])}{more}{likely}{environments}"
    elif missing:
        verdict = "unjudged"
        reason = (
            f"retraining gave {', '.join(missing)} other bytes, and what was committed is not on this machine, so its "
            "hash is dvc.lock's word alone; bring it with `make pull`, or run `make pipeline` and commit dvc.lock"
        )
    elif rewritten or environment:
        verdict = "equivalent"
        outputs = ", ".join(rewritten or [ENVIRONMENT])
        reason = f"{outputs} got other bytes that say the same, numbers within {TOLERANCE:g}{environments}"
    return Proof(verdict, reason, None, tuple(differences), tuple(environment), tuple(rewritten), tuple(missing))


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `prove`."""
    parser = argparse.ArgumentParser(
        prog="prove", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ref", help="another commit than HEAD, or HEAD whatever the files here are")
    parser.add_argument(
        "--settle",
        action="store_true",
        help="if committed outputs cannot be had and all that Git holds agrees, put the retrained ones here",
    )
    options = parser.parse_args(arguments)
    if options.ref and options.settle:
        parser.error("--settle puts outputs into this folder, so it goes with HEAD and not with --ref")
    for path in (PROOF, PROOF.with_suffix(".md")):
        path.unlink(missing_ok=True)  # an earlier proof must not be taken for one of this commit
    # a cancelled job gets SIGTERM; the clone must be removed then too
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        proof = prove(project, options.ref, options.settle)
    except YardError as error:
        proof = Proof("unjudged", str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        signal.signal(signal.SIGTERM, before)
    PROOF.parent.mkdir(exist_ok=True)
    PROOF.write_text(proof.to_json(), encoding="utf-8")
    PROOF.with_suffix(".md").write_text(proof.to_markdown(), encoding="utf-8")
    print(f"\n{proof.to_text()}")
    sys.exit(proof.exit)
