"""Messages of a Kafka topic, which land as a file of JSON lines for each period, so that each is read once.

A period is taken with the messages that were there: the ledger has the offsets before which they are. What comes later
for it is late: it is counted, and left out until the period is taken again (`--accept`). So the same offsets give the
same rows on every machine, whenever their messages have landed there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ....errors import ContractError, counted
from ....runtime.contract import Contract
from ....runtime.kafka.topic import TopicReader
from ...settings import Params, StreamSettings
from ..conform import conform
from ..ledger import StreamLedger
from ..refusal import BrokenRule

STATE = "landed.json"  # what has landed: where each partition begins and goes on, and the size of each file
AT_ONCE = 10_000  # messages


class StreamSource:
    """The landed periods, and what the topic has beyond them.

    known: what the ledger has. reopened: the periods that may take what came late.
    """

    def __init__(
        self,
        settings: StreamSettings,
        params: Params,
        contract: Contract,
        known: StreamLedger,
        reopened: Collection[str],
    ) -> None:
        if contract.time is None:
            raise ContractError("params.yaml: source.kind is stream, and no column of the contract has role time")
        self._settings, self._params, self._contract = settings, params, contract
        self._time = contract.time
        self._known = known
        self._taken = {period: ends for period, ends in known.taken.items() if period not in reopened}
        self._folder = Path(settings.folder)
        self._state: dict[str, Any] = {"first": {}, "next": {}, "sizes": {}, "unreadable": 0}
        self._late: dict[str, int] = {}

    def objects(self) -> dict[str, str]:
        """Land what is new; the fingerprint of each landed period, without what is late.

        Raises ContractError if no broker answers, or messages are gone from the topic before they have landed.
        """
        self._land()
        marks = {}
        for period in sorted(self._state["sizes"]):
            digest, late = hashlib.sha256(), 0
            for message, line in self._lines(period):
                if self._is_late(period, message):
                    late += 1
                else:
                    digest.update(line)
            marks[period] = digest.hexdigest()
            if late:
                self._late[period] = late
        return marks

    def read(self, name: str) -> pa.Table:
        """The rows of one period without those that are late, in the order of time, partition and offset."""
        messages = [message for message, _ in self._lines(name) if not self._is_late(name, message)]
        messages.sort(key=lambda message: message[:2])
        names = [name for name in self._contract.columns if name not in self._contract.features]
        table = pa.table({name: _array([row.get(name) for _, _, row in messages]) for name in names})
        times = conform(table[self._time], self._contract.columns[self._time])
        if isinstance(times, BrokenRule):
            return table  # which is refused
        return table.take(pa.array(np.argsort(times.to_numpy(), kind="stable")))

    def ledger(self, periods: Collection[str]) -> StreamLedger:
        """What the ledger is to know once these periods are taken."""
        ends = self._state["next"]
        return StreamLedger(self._state["first"], {period: self._taken.get(period, ends) for period in sorted(periods)})

    def told(self) -> list[str]:
        """Lines about what is left out."""
        lines = [
            f"late: {counted(late, 'message')} for {period}, which was taken before; "
            f"`make ingest ARGS='--accept {period}'` takes what is late"
            for period, late in self._late.items()
        ]
        if unreadable := self._state["unreadable"]:
            lines.append(f"left out: {counted(unreadable, 'message')} without a row or its {self._time}")
        return lines

    def _is_late(self, period: str, message: tuple[int, int, Any]) -> bool:
        taken = self._taken.get(period)
        return taken is not None and message[1] >= taken.get(str(message[0]), 0)

    def _lines(self, period: str) -> Iterator[tuple[tuple[int, int, dict[str, Any]], bytes]]:
        with self._file(period).open("rb") as opened:
            for line in opened:
                partition, offset, row = json.loads(line)
                yield (partition, offset, row), line

    def _file(self, period: str) -> Path:
        return self._folder / f"{period}.jsonl"

    def _land(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / ".gitignore").write_text("*\n")
        self._resume()
        reader = TopicReader("params.yaml: source.topic", self._settings.topic)
        try:
            for partition, (low, high) in reader.ends().items():
                start = self._start(str(partition), low)
                messages = reader.messages(partition, start, high)
                while batch := _some(messages):
                    self._append(partition, batch)
                    self._state["next"][str(partition)] = batch[-1][0] + 1
                    self._save()
        finally:
            reader.close()
        self._save()

    def _resume(self) -> None:
        """Take up the state, and cut off what a killed run has written beyond it."""
        if (self._folder / STATE).is_file():
            self._state = json.loads((self._folder / STATE).read_text(encoding="utf-8"))
        for path in self._folder.glob("*.jsonl"):
            size = self._state["sizes"].get(path.stem)
            if size is None:
                path.unlink()
            elif path.stat().st_size > size:
                with path.open("r+b") as opened:
                    opened.truncate(size)
        if gone := [period for period, size in self._state["sizes"].items() if self._size(period) != size]:
            raise ContractError(
                f"{self._file(gone[0])} is not as it landed; remove {self._folder}, and the topic is read again"
            )

    def _start(self, partition: str, low: int) -> int:
        """Where to go on; raise ContractError if the messages there, or those of the ledger, are gone."""
        first = self._state["first"].setdefault(partition, low)
        start: int = self._state["next"].setdefault(partition, low)
        wanted = min(self._known.first.get(partition, first), start)
        if low > start or first > self._known.first.get(partition, first):
            raise ContractError(
                f"{self._settings.topic}: the messages {wanted:,} to {low - 1:,} of partition {partition} are no "
                f"longer there, and have not landed here; copy {self._folder} from the machine where they have"
            )
        return start

    def _append(self, partition: int, batch: list[tuple[int, bytes | None]]) -> None:
        rows = [(offset, row) for offset, value in batch if (row := _row(value)) is not None]
        periods = self._periods([row.get(self._time) for _, row in rows])
        texts: dict[str, list[str]] = {}
        for (offset, row), period in zip(rows, periods, strict=True):
            if period is not None:
                texts.setdefault(period, []).append(json.dumps([partition, offset, row]) + "\n")
        for period, lines in texts.items():
            with self._file(period).open("a", encoding="utf-8") as opened:
                opened.writelines(lines)
            self._state["sizes"][period] = self._size(period)
        self._state["unreadable"] += len(batch) - sum(map(len, texts.values()))

    def _periods(self, times: list[Any]) -> list[str | None]:
        """The period of each row; None where it has no time."""
        converted = conform(pa.chunked_array([_array(times)]), self._contract.columns[self._time])
        if not isinstance(converted, BrokenRule) and not converted.null_count:
            return [str(period) for period in converted.to_numpy().astype(f"datetime64[{self._params.unit}]")]
        if len(times) < 2:
            return [None] * len(times)
        return [period for time in times for period in self._periods([time])]

    def _size(self, period: str) -> int:
        path = self._file(period)
        return path.stat().st_size if path.is_file() else 0

    def _save(self) -> None:
        part = self._folder / f"{STATE}.part"
        part.write_text(json.dumps(self._state), encoding="utf-8")
        part.replace(self._folder / STATE)


def _some(messages: Iterable[tuple[int, bytes | None]]) -> list[tuple[int, bytes | None]]:
    return [message for _, message in zip(range(AT_ONCE), messages, strict=False)]


def _row(value: bytes | None) -> dict[str, Any] | None:
    """The row in a message; None if it is no JSON object."""
    try:
        row = json.loads((value or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _array(cells: list[Any]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # of several types: the contract tells which is wrong
        return pa.array([cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells])
