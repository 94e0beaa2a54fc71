"""The online store, opened for a contract: an SQLite file, or a Redis server by its address.

`materialize` writes it. It holds the steps that training looks up, so a row gets the same value to the last bit. A file
needs the standard library and numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import ContractError
from ..contract import Contract
from ..rows import Row
from ..times import timestamp
from .address import redis_address
from .file_steps import FileSteps, write_file
from .redis_steps import RedisSteps
from .redis_writing import write_redis
from .steps import StepKey, Steps, StepStore, definition, entity_text


class Wanted(NamedTuple):
    """What is to be looked up: a feature of n entities, each at a time in microseconds since 1970 (None: no time)."""

    feature: str
    entities: Sequence[Sequence[Any]]
    moments: Sequence[int | None]


class OnlineStore:
    """An online store for the features of a contract. One that takes its place is noticed.

    where: a file, or `redis://host:port/number`.

    Raises ContractError if there is none, it cannot be read, or it was made with another definition of a feature.
    """

    def __init__(self, where: str | Path, contract: Contract) -> None:
        self._where, self._contract = where, contract
        address = redis_address(str(where))
        self._steps: StepStore = (
            FileSteps(Path(where), self._check) if address is None else RedisSteps(address, self._check)
        )

    def look_up(self, wanted: Sequence[Wanted]) -> list[list[Any]]:
        """The values of each feature that is wanted. Raises ContractError as the constructor does."""
        keys = [self._keys(one) for one in wanted]
        found = iter(self._steps.newest([key for some in keys for key in some if key is not None]))
        return [
            [self._value(one.feature, None if key is None else next(found)) for key in some]
            for one, some in zip(wanted, keys, strict=True)
        ]

    def filled(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """The rows with the features that they do not carry. Raises ContractError as the constructor does."""
        made = [dict(row) for row in rows]
        moments = [self._moment(row) for row in rows]
        places = {
            name: [place for place, row in enumerate(made) if row.get(name) is None] for name in self._contract.features
        }
        wanted = [
            Wanted(
                name,
                [[made[place].get(key) for key in self._contract.features[name].entity] for place in absent],
                [moments[place] for place in absent],
            )
            for name, absent in places.items()
        ]
        for (name, absent), values in zip(places.items(), self.look_up(wanted), strict=True):
            for place, value in zip(absent, values, strict=True):
                made[place][name] = value
        return made

    def _keys(self, wanted: Wanted) -> list[StepKey | None]:
        columns = [self._contract.columns[key] for key in self._contract.features[wanted.feature].entity]
        keys: list[StepKey | None] = []
        for entity, moment in zip(wanted.entities, wanted.moments, strict=True):
            text = entity_text(entity, columns)
            keys.append(None if text is None or moment is None else StepKey(wanted.feature, text, moment))
        return keys

    def _value(self, name: str, found: tuple[Any] | None) -> Any:
        feature = self._contract.features[name]
        if found is None:
            return feature.absent
        return bool(found[0]) if feature.column.type == "boolean" and found[0] is not None else found[0]

    def _moment(self, row: Row) -> int | None:
        time = str(self._contract.time)
        try:
            moment = timestamp(row.get(time), self._contract.columns[time])
            return None if moment != moment else int(moment.astype("datetime64[us]").astype("int64"))
        except (ValueError, TypeError, OverflowError):  # which the contract refuses
            return None

    def _check(self, made: Mapping[str, str]) -> None:
        if others := [name for name, one in self._contract.features.items() if made.get(name) != definition(one)]:
            raise ContractError(
                f"{self._where} does not hold {', '.join(others)} as the bundle's contract defines it: run "
                "`materialize` where contract.yaml is the one that the bundle was made with, or make the bundle again"
            )


def write_store(where: str, contract: Contract, steps: Steps) -> dict[str, int]:
    """Write the steps of each feature in place of the store that is there; return how many each has.

    Raises ContractError if Redis cannot take them; the store that was there is then as before.
    """
    definitions = {name: definition(one) for name, one in contract.features.items()}
    address = redis_address(where)
    return write_file(Path(where), definitions, steps) if address is None else write_redis(address, definitions, steps)
