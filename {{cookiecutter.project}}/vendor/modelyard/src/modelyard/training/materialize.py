"""Write the online store, from which the service, `predict` and `score` look up features with history.

It replaces the one before as a whole, and a service at work takes it without a restart. What a service knows is as old
as its store, so run this whenever records have arrived.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import ContractError, counted
from ..runtime.contract import Contract
from ..runtime.online.address import redis_address
from ..runtime.online.steps import Step, entity_text
from ..runtime.online.store import write_store
from ..runtime.project import Project
from .data.history.joined import History
from .settings import read_contract

STORE = "reports/online.sqlite"
BLOCK = 1 << 16  # steps that are Python's objects at once


def materialize(contract: Contract, where: str) -> dict[str, int]:
    """Write the steps of all features of a contract into a file or Redis; return how many each has.

    Raises ContractError if the contract has none, records cannot be read or there are none, or as `write_store` does.
    """
    if not contract.features:
        raise ContractError("contract.yaml defines no features with history, so there is nothing to write")
    history = History(contract)
    for name, feature in contract.features.items():
        history.steps(name)
        if not history.records[name]:
            raise ContractError(
                f"features.{name}: source {feature.source} has no records, so nothing was written; a store that is "
                "there stays as it is"
            )
    return write_store(where, contract, {name: _steps(history, name, contract) for name in contract.features})


def _steps(history: History, name: str, contract: Contract) -> Iterator[Step]:
    found = history.steps(name)
    columns = [contract.columns[key] for key in found.feature.entity]
    entities = [entity_text(list(one.values()), columns) for one in found.keys.to_pylist()]
    code = 0
    for start in range(0, len(found.moment), BLOCK):
        values = found.values.slice(start, BLOCK).to_pylist()
        for place, (moment, value) in enumerate(zip(found.moment[start : start + BLOCK].tolist(), values, strict=True)):
            while found.starts[code + 1] <= start + place:
                code += 1
            yield str(entities[code]), moment, value


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `materialize`."""
    parser = argparse.ArgumentParser(
        prog="materialize", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--to", default=STORE, metavar="FILE", help=f"the file ({STORE}), or redis://host:port/number?prefix=NAME"
    )
    options = parser.parse_args(arguments)
    contract = read_contract()
    counts = materialize(contract, options.to)
    for name, count in counts.items():
        print(f"{name}: {counted(count, 'step')}")
    address = redis_address(options.to)
    print(f"{options.to}: {Path(options.to).stat().st_size / 1e6:.1f} MB" if address is None else f"written: {address}")
