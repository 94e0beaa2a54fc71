"""Remove a person's rows by the values of ids: logs, predictions and labels in the store, data, and DVC's copies of it.

So are the lines of reviewed labels in corrections/ that name the person.
DVC's cache and remote lose every Parquet file, of any commit, that has one of the rows, so older commits cannot be
pulled or reproduced any more where their data held the person. Afterwards remove the person at the source too, take the
data anew (`make ingest ARGS='--accept PERIOD'`), run `make pipeline` and commit.

What stays: Git's history (hashes, metrics, reports, reviewed labels; no rows of data), models that learned from the
rows, rows whose ids were masked as personal data, lines that are not shipped yet, and copies elsewhere: other clones
and their caches, backups, artifacts of workflows, images that were released, issues of incidents and comments on pull
requests that name an id.
"""

from __future__ import annotations

import argparse
import datetime
import getpass
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import YardError
from ..git import without_repository
from ..judging.champion import CHAMPION, ROWS
from ..judging.policy import read_policy
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.layout import CORRECTIONS, PERIODS, PREDICTIONS, VALIDATION
from ..training.review.files import files_of, remove_records
from ..training.settings import read_contract
from .compact import compact
from .layout import AUDIT, LATEST
from .ledger import write_ledger
from .predictions import newest
from .store import Store

CACHE = Path(".dvc/cache")
COPIES = Path("build/production")  # of files in a store that is not a folder
MARKDOWN = Path("reports/report.md")
SHOWN = 30  # characters of an id that a report shows at least
PARQUET = b"PAR1"  # with which a file of Parquet begins
GIT = "Git's history has no rows of data, but hashes and figures that were made of them; those and the models stay"


def forget_in_store(store: Store, values: Mapping[str, Sequence[str]], contract: Contract) -> dict[str, int]:
    """Remove the rows from a store, after all of it was compacted; how many by place. Raises StoreError."""
    import tempfile

    from .rewriting import Person, find, rewrite_day, rewrite_labels, rewrite_raw

    ledger = compact(store, contract, lambda _: None)
    person = Person(values)
    keys: set[tuple[str, int]] = set()
    days: dict[str, list[tuple[str, int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for day, name in newest(store).items():
            path = store.copy_of(name, Path(folder))
            if found := find(path, person):
                days[day] = found
                keys.update(found)
            path.unlink()
    rows = Person(values, keys)
    present = set(store.names())
    # the log first: while a day's file has the rows, a run that is repeated finds them again
    raw = [name for name, one in ledger.raw.items() if name in present and (one.torn or days.keys() & one.days.keys())]
    removed = {"log lines": sum(rewrite_raw(store, ledger, name, rows) for name in raw)}
    removed["labels"] = rewrite_labels(store, rows)
    removed["predictions"] = sum(rewrite_day(store, ledger, day, rows) for day in days)
    write_ledger(store, ledger)
    return removed


def forget_in_files(root: Path, values: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Remove the rows from data/periods, the saved predictions, and main's in champion/; how many."""
    from .rewriting import Person, without

    removed = 0
    mains = [root / CHAMPION / PREDICTIONS.name, *(root / ROWS).rglob("*.parquet")]
    for path in [*sorted((root / PERIODS).rglob("*.parquet")), root / VALIDATION, root / PREDICTIONS, *mains]:
        if path.is_file():
            part = path.with_suffix(".part")
            left_out, _ = without(path, part, Person(values))
            if left_out:
                part.replace(path)  # a new file: the old one may be a link into DVC's cache
            removed += left_out
    return {"rows of data": removed}


def forget_in_corrections(root: Path, values: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Remove the lines of reviewed labels that name one of the ids; how many. Git's history keeps them."""

    def is_theirs(cells: Mapping[str, str]) -> bool:
        return any(cells.get(name, "").strip() in given for name, given in values.items())

    removed = sum(remove_records(path, root, is_theirs) for path in files_of(root))
    return {"lines of reviewed labels": removed} if files_of(root) else {}


def forget_in_figures(root: Path, store: Store | None, values: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Remove the figures and reports that name one of the ids, as an example; how many. They can be made again."""
    from .labels import REPORT
    from .monitor import JSON, PAGE, TABLES

    said = [json.dumps(value, ensure_ascii=False)[1:-1].encode() for given in values.values() for value in given]
    removed = 0
    if store is not None and store.has(LATEST) and any(one in store.read(LATEST) for one in said):
        store.remove(LATEST)
        removed += 1
    there = [path for path in (root / path for path in (JSON, REPORT)) if path.is_file()]
    if any(one in path.read_bytes() for path in there for one in said):
        for path in (*there, root / TABLES, root / PAGE):
            path.unlink(missing_ok=True)
            removed += 1
    shown = [value[:SHOWN].encode() for given in values.values() for value in given]
    if (root / MARKDOWN).is_file() and any(one in (root / MARKDOWN).read_bytes() for one in shown):
        for path in (root / MARKDOWN, (root / MARKDOWN).with_suffix(".html")):
            path.unlink(missing_ok=True)
            removed += 1
    return {"files with figures": removed}


def forget_in_dvc(root: Path, values: Mapping[str, Sequence[str]], say: Callable[[str], None]) -> dict[str, int]:
    """Remove the Parquet files with the rows from DVC's cache and remote; how many."""
    from .rewriting import Person, columns_of, without

    if not (root / ".dvc").is_dir():
        return {}
    fetch = [sys.executable, "-m", "dvc", "fetch", "--all-commits", "--run-cache", "--quiet"]
    if subprocess.run(fetch, cwd=root, env=without_repository(), check=False, capture_output=True).returncode:  # noqa: S603
        say("not all files could be fetched from the DVC remote, as after an earlier `forget`; search the rest there")
    found: list[str] = []
    for path in sorted((root / CACHE / "files/md5").rglob("*")):
        if path.is_file() and path.suffix != ".dir" and path.read_bytes()[:4] == PARQUET:
            person = Person(values)
            if person.condition(columns_of(path)) != "false":
                part = root / CACHE / "forget.part"
                left_out, _ = without(path, part, person)
                part.unlink(missing_ok=True)
                if left_out:
                    found.append(path.parent.name + path.name)
                    path.chmod(0o644)
                    path.unlink()
    return {"files in DVC's cache": len(found), "files in DVC's remote": _remove_from_remote(root, found, say)}


def _remove_from_remote(root: Path, hashes: Sequence[str], say: Callable[[str], None]) -> int:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    removed = 0
    try:
        with Repo(str(root)) as repo:
            remote = repo.cloud.get_remote_odb()
            for one in hashes:
                path = remote.oid_to_path(one)
                if remote.fs.exists(path):
                    remote.fs.remove(path)
                    removed += 1
    except (DvcException, OSError) as error:
        say(f"the DVC remote could not be reached, so remove these from it: {', '.join(hashes) or 'nothing'}: {error}")
    return removed


def audit(store: Store | None, values: Mapping[str, Sequence[str]], removed: Mapping[str, int], path: Path) -> str:
    """Add a line to the audit log of the store, or to a file where there is none; the line, without the values."""
    hashes = [
        hashlib.sha256(f"{name}={value}".encode()).hexdigest() for name, given in values.items() for value in given
    ]
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    line = json.dumps({"audit": "forget", "time": now, "by": getpass.getuser(), "sha256": hashes, "removed": removed})
    if store is None:
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as opened:
            opened.write(f"{line}\n")
    else:
        before = store.read(AUDIT) if store.has(AUDIT) else b""
        store.write(AUDIT, before + f"{line}\n".encode())
    return line


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `forget`."""
    parser = argparse.ArgumentParser(
        prog="forget", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--id", action="append", required=True, metavar="NAME=VALUE", help="may be repeated: any of them"
    )
    options = parser.parse_args(arguments)
    contract = read_contract()
    values = parse_ids(options.id, contract)
    url = read_policy().monitor.store
    store = Store(url) if url else None
    removed = forget_in_store(store, values, contract) if store else {}
    removed |= forget_in_files(Path(), values)
    removed |= forget_in_corrections(Path(), values)
    removed |= forget_in_dvc(Path(), values, print)
    removed |= forget_in_figures(Path(), store, values)
    shutil.rmtree(COPIES, ignore_errors=True)
    audit(store, values, removed, Path("reports/audit.jsonl"))
    for place, number in removed.items():
        print(f"{place}: {number} removed")
    if not any(removed.values()):
        print("nothing was left to remove")
    if removed.get("lines of reviewed labels"):
        print(f"{CORRECTIONS}/: Git's history keeps the lines, with their ids; only a rewritten history would not")
    masked = [name for name in values if contract.columns[name].pii]
    if masked:
        print(f"{', '.join(masked)}: personal data, so the log has it masked, and no row of the log is found by it")
    print(f"{GIT}. `forget --help` names all that stays, and what to do next")


def parse_ids(given: Sequence[str], contract: Contract) -> dict[str, list[str]]:
    """The values by id. Raises YardError if one is no id of the contract."""
    known = contract.named("id")
    values: dict[str, list[str]] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not value or name not in known:
            raise YardError(
                f"--id {one}: give NAME=VALUE of an id of contract.yaml; there are: {', '.join(known) or 'none'}"
            )
        values.setdefault(name, []).append(value)
    return values
