"""Retrain a commit from its source, believing neither dvc.lock nor any cache, and compare with what was committed.

Ends with 0 where the outputs are identical or equivalent (or there is nothing to prove yet), 1 where they are
different, 2 where that could not be judged, which never counts as passed. What these words mean is in proof.py.
Writes reports/prove.json and reports/prove.md. Outputs that are identical go to the DVC cache.
"""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
from pathlib import Path

from ..git import git
from ..runtime.contract import ContractError
from ..training import layout
from .lock import CACHE, LOCK, Lock, path_md5, read_lock, stale, take
from .proof import PROOF, Proof, Word, compare, tell
from .proving.reassemble import reassemble
from .scratch import Scratch
from .tolerance import TOLERANCE, Difference

BUNDLE = layout.BUNDLE.as_posix()
REFUSED = ("the source changed in periods", "breaks the contract")  # how `ingest` says that the data is not as it was


def prove(ref: str | None = None) -> Proof:
    """Prove the commit that `ref` names; without it HEAD, which the tracked files here must then be.

    Raises ContractError where that cannot be judged.
    """
    commit = git("rev-parse", "--verify", "--quiet", f"{ref or 'HEAD'}^{{commit}}", ok=False)
    if not commit:
        raise ContractError(f"there is no commit {ref or 'HEAD'!r} here")
    if ref is None and (edited := git("diff", "--name-only", "HEAD", "--").splitlines()):
        raise ContractError(
            f"a commit is what can be proven, and these files differ from HEAD: {', '.join(edited)}; commit them, or "
            "prove HEAD without them with `--ref HEAD`"
        )
    with Scratch(commit) as scratch:
        proof = dataclasses.replace(_prove(scratch), commit=commit)
        if proof.verdict == "identical":
            scratch.share(CACHE)  # so that what was proven need not be made once more
        return proof


def _prove(scratch: Scratch) -> Proof:
    lock = read_lock(scratch.root / LOCK)
    if BUNDLE not in lock.outs:
        return Proof(
            "nothing",
            "the commit has no bundle in its dvc.lock yet, so there is nothing to prove; to have one, run `make "
            "pipeline` and commit dvc.lock, or open a pull request, where the workflow commits it",
        )
    if found := stale(lock, scratch.status(), scratch.root):
        reason = "dvc.lock is stale: it was not made from this commit; run `make pipeline` and commit dvc.lock"
        return Proof("different", reason, differences=tuple(found), sides=("in dvc.lock", "in the commit"))
    scratch.keep(lock.outs)
    scratch.bring_source(Path.cwd())
    said = scratch.retrain()
    if said is not None:
        return _failed(said)
    return judge(lock, scratch)


def _failed(said: str) -> Proof:
    """The verdict where a stage failed: only data that is not as it was is a difference."""
    if any(sign in said for sign in REFUSED):
        return Proof("different", f"the source does not give the data that was committed:\n{said}")
    return Proof("unjudged", f"the pipeline failed, so the commit could not be judged:\n{said}")


def judge(lock: Lock, scratch: Scratch, cache: Path = CACHE) -> Proof:
    """The verdict on a commit with this lock, after retraining in `scratch`."""
    made = read_lock(scratch.root / LOCK).outs
    edited = [path for path, md5 in lock.outs.items() if path_md5(scratch.kept / path) not in (md5, None)]
    rewritten = [path for path, md5 in lock.outs.items() if made.get(path) != md5 or path in edited]
    gone = [path for path in rewritten if not _have(path, lock.outs[path], scratch, cache)]
    found, environment = compare(
        scratch.kept, scratch.root, (path for path in rewritten if path not in gone), scratch.answers
    )
    found += lock.torn()
    found += [Difference(path, None, "an output") for path in made if path not in lock.outs]
    found += [Difference(path, "an output", None) for path in lock.outs if path not in made]  # its stage did not run
    # the file in the commit was looked at; the one that the lock names instead is nowhere
    found += [
        Difference(f"dvc.lock: {path}", lock.outs[path], made.get(path))
        for path in edited
        if made.get(path) != lock.outs[path]
    ]
    if gone == [BUNDLE] and not found:
        again = reassemble(scratch, lock.outs[BUNDLE])
        gone, environment = (gone, []) if again is None else ([], again)
    return _conclude(rewritten, gone, found, environment)


def _have(path: str, md5: str, scratch: Scratch, cache: Path) -> bool:
    """Whether what was committed is among `scratch.kept`, or could be brought there."""
    return (scratch.kept / path).exists() or take(md5, scratch.kept / path, cache)


def _conclude(rewritten: list[str], gone: list[str], found: list[Difference], environment: list[Difference]) -> Proof:
    others = "".join(f"; {tell(one)}" for one in environment[:3])
    verdict: Word = "identical"
    reason = "retraining from the source gave the same bytes"
    if found:
        verdict = "different"
        more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
        reason = f"{tell(found[0])}{more}{'; the likely reason is the environment' if environment else ''}{others}"
    elif gone:
        verdict = "unjudged"
        reason = (
            f"retraining gave {', '.join(gone)} other bytes, and what was committed is not on this machine, so its "
            "hash is dvc.lock's word alone; bring it with `dvc pull`, or run `make pipeline` and commit dvc.lock"
        )
    elif rewritten:
        verdict = "equivalent"
        reason = f"{', '.join(rewritten)} got other bytes that say the same, numbers within {TOLERANCE:g}{others}"
    return Proof(verdict, reason, None, tuple(found), tuple(environment), tuple(rewritten))


def main(arguments: list[str] | None = None) -> None:
    """The verb `prove`."""
    parser = argparse.ArgumentParser(
        prog="prove", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ref", help="another commit than HEAD, or HEAD whatever the files here are")
    given = parser.parse_args(arguments)
    for path in (PROOF, PROOF.with_suffix(".md")):
        path.unlink(missing_ok=True)  # whatever happens now, a proof of before is not one of this commit
    # a runner that cancels says so by SIGTERM; the clone must go then too
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        proof = prove(given.ref)
    except ContractError as error:
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
