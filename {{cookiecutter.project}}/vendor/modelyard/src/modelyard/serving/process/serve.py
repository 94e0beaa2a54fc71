"""Answer rows over HTTP with one process for each core; SIGTERM drains, SIGHUP loads the bundles again.

Without --config it serves one bundle: the one inside the installed wheel, or that of --bundle.
"""

from __future__ import annotations

import argparse
import gc
import os
from pathlib import Path

import msgspec

from ...command import run
from ...runtime.contract import Contract, ContractError
from ..config import Config, ModelConfig, check_names, read_config


def configured(given: argparse.Namespace) -> Config:
    """What the file says, and over it what the command line says. Raises ContractError as `read_config` does."""
    if given.config is not None:
        config = read_config(given.config)
    else:
        folder = Path(given.bundle) if given.bundle else Path(__file__).parent.parent / "bundle"
        if not (folder / "contract.json").is_file():
            raise ContractError(f"{folder} holds no bundle; make one with `dvc repro`, or name one with --bundle")
        name = Contract.from_json(folder / "contract.json").name
        config = Config({name: ModelConfig(given.bundle)})
        check_names(config, "contract.json")
    said = {key: value for key in ("host", "port", "workers") if (value := getattr(given, key)) is not None}
    return msgspec.structs.replace(config, **said)


def main(arguments: list[str] | None = None) -> None:
    """The verb `serve`."""
    parser = argparse.ArgumentParser(
        prog="serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--config", type=Path, help="serving.json: models, limits, access, log")
    what.add_argument("--bundle", help="the folder of one bundle to serve")
    parser.add_argument("--open", action="store_true", help="let anyone predict; then nobody is admin")
    parser.add_argument("--host", help="the address to listen at, instead of the file's")
    parser.add_argument("--port", type=int, help="the port to listen at; 0 takes a free one")
    parser.add_argument("--workers", type=int, help="how many processes; 0 is one for each core")
    given = parser.parse_args(arguments)
    # a worker has a core to itself, where threads would only get in each other's way
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    gc.disable()  # what is made while it starts stays; to look through it for garbage takes a tenth of that time
    from .workers import serve

    serve(configured(given), given.config, given.open)


if __name__ == "__main__":
    run(main)
