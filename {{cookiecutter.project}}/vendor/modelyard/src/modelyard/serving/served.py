"""What `serve` and `stream` answer with, from their command lines: a configuration, or one bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import ContractError
from ..runtime.bundle import bundled_contract
from ..runtime.project import Project
from .config import Config, ModelConfig, check_names, read_config


def add_served(parser: argparse.ArgumentParser, config: str) -> None:
    """Add --config, of which the help says `config`, --bundle and --online."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--config", type=Path, help=config)
    source.add_argument("--bundle", help="the folder of one bundle; else the one inside the installed wheel")
    parser.add_argument("--online", help="the online store, with --bundle or the installed wheel: see `materialize`")


def served(options: argparse.Namespace, project: Project) -> Config:
    """The configuration that the options of `add_served` name.

    Raises ContractError as `read_config` does, if there is no bundle, or if --online stands beside --config.
    """
    if options.config is not None:
        if options.online is not None:
            raise ContractError(
                f"{options.config} names the online store of each model, as models.<name>.online; leave --online out"
            )
        return read_config(options.config)
    folder = Path(options.bundle) if options.bundle else project.packaged_bundle
    if not (folder / "contract.json").is_file():
        raise ContractError(f"{folder} holds no bundle; make one with `make pipeline`, or name one with --bundle")
    config = Config({bundled_contract(folder).name: ModelConfig(options.bundle, online=options.online)})
    check_names(config, "contract.json")
    return config
