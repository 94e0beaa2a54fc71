"""Answer rows over HTTP with one process for each core; SIGTERM drains, SIGHUP loads the bundles again.

Without --config it serves one bundle: the one inside the installed wheel, or that of --bundle.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...errors import ContractError
from ...runtime.bundle import bundled_contract
from ...runtime.project import Project
from ..config import Config, ModelConfig, check_names, read_config


def configured(options: argparse.Namespace, project: Project) -> Config:
    """The configuration in the file, overridden by the command line. Raises ContractError as `read_config` does."""
    if options.config is not None:
        config = read_config(options.config)
    else:
        folder = Path(options.bundle) if options.bundle else project.packaged_bundle
        if not (folder / "contract.json").is_file():
            raise ContractError(f"{folder} holds no bundle; make one with `make pipeline`, or name one with --bundle")
        name = bundled_contract(folder).name
        config = Config({name: ModelConfig(options.bundle, online=options.online)})
        check_names(config, "contract.json")
    overrides = {key: value for key in ("host", "port", "workers") if (value := getattr(options, key)) is not None}
    return msgspec.structs.replace(config, **overrides)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `serve`."""
    parser = argparse.ArgumentParser(
        prog="serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--config", type=Path, help="serving.json: models, limits, access, log")
    source.add_argument("--bundle", help="the folder of one bundle to serve")
    parser.add_argument("--online", help="the online store, with --bundle or the installed wheel: see `materialize`")
    parser.add_argument("--open", action="store_true", help="let anyone predict; then nobody is admin")
    parser.add_argument("--host", help="the address to listen at, instead of the file's")
    parser.add_argument("--port", type=int, help="the port to listen at; 0 takes a free one")
    parser.add_argument("--workers", type=int, help="how many processes; 0 is one for each core")
    options = parser.parse_args(arguments)
    if options.config is not None and options.online is not None:
        parser.error(f"{options.config} names the online store of each model: models.<name>.online; leave --online out")
    # each worker has a core to itself, so more threads would only compete for it
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    gc.disable()  # objects made at the start stay; collecting garbage would take a tenth of the start
    from .workers import serve

    serve(project, configured(options, project), options.config, options.open)
