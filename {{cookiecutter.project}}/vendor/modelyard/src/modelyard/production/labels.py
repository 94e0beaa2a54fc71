"""Join labels to the answered rows: what became known is added to the store, and nothing there is changed.

Labels come from the project's own source (params.yaml), or from the files that `monitor.labels` of policy.yaml names.
A label that changes is a second version. Writes reports/labels.json.
"""

# ruff: noqa: S608 - names and texts are quoted before they come into SQL

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ..command import REPORTS
from ..errors import YardError
from ..judging.monitoring import Monitor
from ..judging.policy import read_policy
from ..reporting.engine import columns, connection, parquet, quoted
from ..runtime.contract import Contract
from ..runtime.hashing import sha256
from ..runtime.project import Project
from ..training.settings import Params, read_contract, read_params
from .label_sources import KNOWN, Given, can_have_labels, from_files, from_source
from .layout import LABELS, label_column
from .predictions import newest
from .store import Store
from .windows import looks_back, until_argument

NAME = re.compile(rf"{LABELS}/(\d{{6}})-[0-9a-f]{{16}}\.parquet")
REPORT = REPORTS / "labels.json"
CACHE = Path("build/production")  # copies of the files of a store that is not a folder
SHOWN = 3


@dataclass
class Joined:
    """What happened to the labels that were there.

    read: labels given. repeated: the same key and label once more. conflicting: labels of keys with different ones at
    the same time, none of which is taken. unmatched: labels whose key no answered row has. written: rows added, of
    which `changed` are further versions. keyless: answered rows that can have no label, as their client sent no id.
    """

    read: int = 0
    repeated: int = 0
    conflicting: int = 0
    unmatched: int = 0
    written: int = 0
    changed: int = 0
    keyless: int = 0
    notes: list[str] = field(default_factory=list)


def run(root: Path, contract: Contract, params: Params, monitor: Monitor, until: datetime.datetime) -> str:
    """Join the labels of a project; what happened, in words. Raises YardError, with nothing written but the report."""
    if not monitor.store:
        return "labels: policy.yaml names no monitor.store, so nothing is watched"
    if not can_have_labels(contract, monitor.labels):
        return "labels: contract.yaml has no column of role id, and policy.yaml no monitor.labels: there are no labels"
    (root / REPORT).parent.mkdir(parents=True, exist_ok=True)
    try:
        store = Store(monitor.store)
        if looks_back(store, until):
            return f"labels: none are joined for a look back to {until}, as they did not become known then"
        place = monitor.labels
        given = from_source(contract, params, until) if place is None else from_files(place, contract)
        joined = join(store, given, until, root / CACHE)
    except YardError as error:
        (root / REPORT).write_text(json.dumps({"error": str(error)}) + "\n", encoding="utf-8")
        raise
    (root / REPORT).write_text(json.dumps(dataclasses.asdict(joined), ensure_ascii=False) + "\n", encoding="utf-8")
    said = (
        f"labels: {joined.written:,} new ({joined.changed:,} of them changed), {joined.unmatched:,} of rows that were "
        f"not asked for, {joined.repeated:,} repeated, {joined.conflicting:,} conflicting and left out"
    )
    return "\n".join([said, *joined.notes])


def label_files(store: Store) -> list[str]:
    """The files of labels, in the order in which they were written."""
    return [name for name in store.names(LABELS) if NAME.fullmatch(name)]


def join(store: Store, given: Iterable[Given], until: datetime.datetime, cache: Path) -> Joined:
    """Add the labels that are new or differ from what the store has, of rows that were answered."""
    joined = Joined()
    if not (current := newest(store)):
        joined.notes.append("there are no predictions in the store yet")
        return joined
    kept = store.copies(label_files(store), cache)
    answered = parquet(store.copies(list(current.values()), cache))
    with connection() as connected:
        for number, key in enumerate(_gather(connected, given, joined)):
            _Joining(connected, f"given_{number}", key, answered, kept).join(joined)
            _write(connected, key, store, until, joined)
    return joined


def _gather(connected: duckdb.DuckDBPyConnection, given: Iterable[Given], joined: Joined) -> list[tuple[str, ...]]:
    """Put the labels into tables, one for each kind of key."""
    keys: list[tuple[str, ...]] = []
    for labels in given:
        key = tuple(labels.key)
        moment = f"{KNOWN}::TIMESTAMP" if KNOWN in labels.table.column_names else "NULL::TIMESTAMP"
        connected.register("given", labels.table)
        query = f"SELECT {_listed((*key, label_column()))}, {moment} AS {KNOWN} FROM given"
        if key in keys:
            connected.execute(f"INSERT INTO given_{keys.index(key)} {query}")
        else:
            keys.append(key)
            connected.execute(f"CREATE TEMP TABLE given_{keys.index(key)} AS {query}")
        connected.unregister("given")
        joined.read += labels.table.num_rows
    return keys


class _Joining:
    """The labels of one kind of key, joined to the answered rows; the table `new` holds what is to be added."""

    def __init__(
        self, connected: duckdb.DuckDBPyConnection, given: str, key: Sequence[str], answered: str, kept: list[Path]
    ) -> None:
        self._connected, self._given, self._key, self._answered, self._kept = connected, given, key, answered, kept
        self._columns = _listed(key)
        self._present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)

    def join(self, joined: Joined) -> None:
        self._check(joined)
        self._match(joined)
        self._compare(joined)

    def _check(self, joined: Joined) -> None:
        """Each key and label once, without the keys that have different labels at the same time."""
        self._run(f"CREATE OR REPLACE TEMP TABLE once AS SELECT *, count(*) AS times FROM {self._given} GROUP BY ALL")
        joined.repeated += self._number("SELECT coalesce(sum(times - 1), 0) FROM once")
        clashing = f"(SELECT {self._columns}, {KNOWN} FROM once GROUP BY ALL HAVING count(*) > 1)"
        same = f"{self._same('o', 'c')} AND o.{KNOWN} IS NOT DISTINCT FROM c.{KNOWN}"
        self._run(f"CREATE OR REPLACE TEMP TABLE clashes AS SELECT o.* FROM once o SEMI JOIN {clashing} c ON {same}")
        if clashes := self._number("SELECT count(*) FROM clashes"):
            joined.conflicting += clashes
            examples = self._examples(f"SELECT DISTINCT {self._columns} FROM clashes ORDER BY ALL")
            joined.notes.append(f"different labels at the same time, so none is taken: {examples}")
            self._run(f"CREATE OR REPLACE TEMP TABLE once AS SELECT o.* FROM once o ANTI JOIN clashes c ON {same}")

    def _match(self, joined: Joined) -> None:
        there = set(columns(self._connected, self._answered))
        if lacking := [name for name in self._key if name not in there]:
            joined.notes.append(f"no answered row has {', '.join(lacking)}, so no label can be joined to it")
            self._run("CREATE OR REPLACE TEMP TABLE pairs AS SELECT NULL::DATE AS day, * FROM once LIMIT 0")
        else:
            asked = f"(SELECT DISTINCT day, {self._columns} FROM {self._answered} WHERE {self._present})"
            self._run(
                f"CREATE OR REPLACE TEMP TABLE pairs AS SELECT p.day, o.* FROM once o JOIN {asked} p "
                f"ON {self._same('o', 'p')}"
            )
            joined.keyless += self._number(f"SELECT count(*) FROM {self._answered} WHERE NOT ({self._present})")
        matching = f"(SELECT DISTINCT {self._columns} FROM pairs)"
        unmatched = self._number(f"SELECT count(*) FROM once o ANTI JOIN {matching} p ON {self._same('o', 'p')}")
        joined.unmatched += unmatched
        if unmatched and unmatched == self._number("SELECT count(*) FROM once") and not lacking:
            label = self._examples(f"SELECT {self._columns} FROM once ORDER BY ALL")
            row = self._examples(f"SELECT {self._columns} FROM {self._answered} WHERE {self._present} ORDER BY ALL")
            joined.notes.append(f"no label has the key of an answered row: labels have {label}; rows {row or 'none'}")

    def _compare(self, joined: Joined) -> None:
        """What the store does not have yet. Without a time at which it became known, it is compared with the latest."""
        stored = "(SELECT NULL::DATE AS day, *, '' AS filename FROM once LIMIT 0)"
        if self._kept and set(self._key) <= set(columns(self._connected, parquet(self._kept, by_day=False))):
            stored = (
                f"(SELECT day, {self._columns}, {label_column()}, {KNOWN}, filename "
                f"FROM {parquet(self._kept, by_day=False)} WHERE {self._present})"
            )
        self._run(
            f"CREATE OR REPLACE TEMP TABLE latest AS SELECT day, {self._columns}, "
            f"arg_max({label_column()}, ({KNOWN}, filename)) AS {label_column()} FROM {stored} GROUP BY ALL"
        )
        same = f"p.day = s.day AND {self._same('p', 's')}"
        self._run(
            f"CREATE OR REPLACE TEMP TABLE new AS "
            f"SELECT p.*, s.day IS NOT NULL AS is_change FROM pairs p LEFT JOIN latest s ON {same} "
            f"WHERE p.{KNOWN} IS NULL AND s.{label_column()} IS DISTINCT FROM p.{label_column()} UNION ALL "
            f"SELECT p.*, l.day IS NOT NULL FROM pairs p ANTI JOIN {stored} s ON {same} AND p.{KNOWN} = s.{KNOWN} "
            f"AND p.{label_column()} = s.{label_column()} LEFT JOIN latest l ON {same.replace('s.', 'l.')} "
            f"WHERE p.{KNOWN} IS NOT NULL"
        )
        joined.changed += self._number("SELECT count(*) FROM new WHERE is_change")

    def _same(self, one: str, other: str) -> str:
        """As text, because a column of the log may be text where the contract once did not know it."""
        names = map(quoted, self._key)
        return " AND ".join(f"{one}.{name}::VARCHAR = {other}.{name}::VARCHAR" for name in names)

    def _run(self, query: str) -> None:
        self._connected.execute(query)

    def _number(self, query: str) -> int:
        found = self._connected.execute(query).fetchone()
        return int(found[0]) if found else 0

    def _examples(self, query: str) -> str:
        found = self._connected.execute(f"{query} LIMIT {SHOWN}").fetchall()
        return ", ".join("/".join(map(str, row)) for row in found)


def _write(
    connected: duckdb.DuckDBPyConnection, key: Sequence[str], store: Store, until: datetime.datetime, joined: Joined
) -> None:
    found = connected.execute("SELECT count(*) FROM new").fetchone()
    if not found or not found[0]:
        return
    joined.written += found[0]
    before = label_files(store)
    matched = NAME.fullmatch(before[-1]) if before else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.parquet"
        moment = f"coalesce({KNOWN}, TIMESTAMP '{until.isoformat(sep=' ')}') AS {KNOWN}"
        connected.execute(
            f"COPY (SELECT day, {_listed(key)}, {label_column()}, {moment} FROM new ORDER BY ALL) "
            f"TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        )
        number = int(matched[1]) + 1 if matched else 1
        store.put(path, f"{LABELS}/{number:06}-{sha256(path)[:16]}.parquet")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `labels`."""
    parser = argparse.ArgumentParser(prog="labels", description=__doc__)
    until_argument(parser)
    options = parser.parse_args(arguments)
    print(run(Path(), read_contract(), read_params(), read_policy().monitor, options.until))
