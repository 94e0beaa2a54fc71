"""A search for better settings on machines that share nothing but files, as the jobs of a workflow do.

It is the loop of `tune` taken apart. A round is one batch: `propose` writes its settings, each machine measures its
share of them, and `merge` reports all of them in order. So the study is the one that `tune` makes of as many trials.
Files that another job wrote are read as JSON, and refused unless they are of this data, these settings and this round.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ContractError, counted
from ..runtime.contract import Contract
from ..runtime.hashing import sha256
from ..runtime.project import Project
from .layout import LEDGER
from .lineage import code
from .settings import Params
from .study import TUNING, ask, distributions, journal_of, open_study, score, tell
from .trials import check_taken, workers

ROUND = TUNING / "round.json"
SHARES = TUNING / "shares.json"  # the shares of the round that comes next, as the matrix of a workflow: [] if none does
ANEW = "have the next batch proposed here, with --propose"
AGAIN = "nothing was reported; have the job of that share measure it again, at the commit of the others"
MOST = 256  # jobs that GitHub allows in a matrix
KEYS = {"code", "data", "study", "first", "shares", "trials"}


def propose(project: Project, root: Path, contract: Contract, params: Params, trials: int, shares: int) -> int:
    """Write the settings of the next batch, for up to `shares` machines; return how many shares there are.

    There is none if the study has `trials` trials. Nothing is added to the journal.
    """
    if not 1 <= shares <= MOST:
        raise ContractError(f"{shares} shares: 1 to {MOST} are possible")
    check_taken(root)
    done, batch = _next(root, contract, params)
    count = min(shares, len(batch)) if done < trials else 0
    (root / ROUND).unlink(missing_ok=True)
    for old in _files(root):
        old.unlink()
    if count:
        of = _identity(project, root, contract, params)
        _write(root / ROUND, of | {"first": done, "shares": count, "trials": batch})
    _write(root / SHARES, list(range(1, count + 1)))
    return count


def measure(project: Project, root: Path, contract: Contract, params: Params, share: int, jobs: int) -> int:
    """Measure one share of the round, from 1 on, `jobs` trials at a time; return how many trials it has."""
    check_taken(root)
    asked = _read(root / ROUND, KEYS, ANEW)
    _check(root / ROUND, asked, _identity(project, root, contract, params), ANEW)
    if not 1 <= share <= asked["shares"]:
        raise ContractError(f"there is no share {share}: the round in {ROUND} has {asked['shares']}")
    mine = asked["trials"][share - 1 :: asked["shares"]]
    with workers(jobs, (project, root, contract, params)) as pool:
        values = list(pool.map(score, mine))
    _write(root / TUNING / f"share-{share}.json", asked | {"trials": mine, "share": share, "values": values})
    return len(mine)


def merge(project: Project, root: Path, contract: Contract, params: Params, trials: int) -> int:
    """Report the round's trials in their order, remove their files, and return how many trials are complete.

    Raises ContractError, and reports none of them, if a share is missing, or of another round, data or settings.
    """
    check_taken(root)
    done, batch = _next(root, contract, params)
    shares = _shares(root, _identity(project, root, contract, params) | {"first": done})
    values: list[float] = [math.nan] * len(batch)
    for number, (path, content) in shares.items():
        places = range(number - 1, len(batch), len(shares))
        _check(path, content, {"trials": [batch[place] for place in places]}, AGAIN)
        for place, value in zip(places, _values(path, content, len(places)), strict=True):
            values[place] = value
    study, _ = open_study(journal_of(root, contract, params), params)
    tell(study, ask(study, params, done), values)
    for path, _ in shares.values():
        path.unlink()
    (root / ROUND).unlink(missing_ok=True)
    done += len(batch)
    _write(root / SHARES, list(range(1, len(shares) + 1)) if done < trials else [])
    return done


def _next(root: Path, contract: Contract, params: Params) -> tuple[int, list[dict[str, Any]]]:
    """How many trials are complete, and the settings of the batch that follows; asked of a copy of the journal."""
    distributions(params)
    journal = journal_of(root, contract, params)
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / journal.name
        if journal.is_file():
            shutil.copyfile(journal, copied)
        study, done = open_study(copied, params)
        return done, [trial.params for trial in ask(study, params, done)]


def _identity(project: Project, root: Path, contract: Contract, params: Params) -> dict[str, Any]:
    """What must be the same on all machines: the code, the data, and what the study is of."""
    told = json.dumps(code(project.folder), sort_keys=True).encode()
    return {
        "code": hashlib.sha256(told).hexdigest()[:12],
        "data": sha256(root / LEDGER)[:12],
        "study": journal_of(root, contract, params).stem,
    }


def _files(root: Path) -> list[Path]:
    return sorted((root / TUNING).glob("share-*.json"))


def _shares(root: Path, expected: Mapping[str, Any]) -> dict[int, tuple[Path, dict[str, Any]]]:
    """All shares of a round by their numbers, each with its file."""
    found: dict[int, tuple[Path, dict[str, Any]]] = {}
    count = 1
    for path in _files(root):
        content = _read(path, KEYS | {"share", "values"}, AGAIN)
        _check(path, content, dict(expected) | ({"shares": count} if found else {}), AGAIN)
        count = content["shares"]
        found[content["share"]] = (path, content)
    if missing := sorted(set(range(1, count + 1)) - found.keys()):
        one = f"share-{missing[0]}.json" if len(missing) == 1 else f"share-N.json with N {', '.join(map(str, missing))}"
        raise ContractError(f"{TUNING} has no {one} of {counted(count, 'share')}: {AGAIN}")
    return found


def _check(path: Path, content: Mapping[str, Any], expected: Mapping[str, Any], advice: str) -> None:
    """Raise ContractError that says in what a file is of another search than this one."""
    told = {
        "code": "was made by other code",
        "data": "was made of other data",
        "study": "was made with other settings, another split or another contract",
        "first": "is of another round",
        "shares": "is of a round with another number of shares",
        "trials": "has other settings than this round proposes",
    }
    for key, what in told.items():
        if key in expected and content[key] != expected[key]:
            shown = "" if key == "trials" else f" ({key} {content[key]!r}, here {expected[key]!r})"
            raise ContractError(f"{path} {what}{shown}: {advice}")


def _values(path: Path, content: Mapping[str, Any], count: int) -> Sequence[float]:
    values = content["values"]
    if not isinstance(values, list) or len(values) != count or not all(_is_finite(value) for value in values):
        raise ContractError(f"{path}: values is {values!r}: {counted(count, 'finite number')} expected")
    return values


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read(path: Path, keys: set[str], advice: str) -> dict[str, Any]:
    """A file of a round. Raises ContractError if it is none, or cut off."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(f"there is no {path}: {advice}") from None
    except ValueError:
        content = None
    counts = ("first", "shares", *({"share"} & keys))
    if (
        not isinstance(content, dict)
        or content.keys() != keys
        or any(type(content[key]) is not int or content[key] < (key != "first") for key in counts)
        or not isinstance(content["trials"], list)
        or content.get("share", 1) > content["shares"]
    ):
        raise ContractError(f"{path} is cut off, or no file of a round: {advice}")
    return content


def _write(path: Path, content: object) -> None:
    """Write a file, complete or not at all."""
    path.parent.mkdir(exist_ok=True)
    whole = path.with_suffix(".part")
    whole.write_text(json.dumps(content) + "\n", encoding="utf-8")
    os.replace(whole, path)
