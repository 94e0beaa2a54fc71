"""Run all stages on data in a folder, without the repository: ingest, train, evaluate, bundle.

The folder has the layout of a project. If it lacks contract.yaml, params.yaml or docs/model-card.md, those of
--settings are copied into it first; other data needs its own. --source and --watermark are written to its params.yaml.
A later run with a later watermark takes the new periods only, and bundle/ then holds the new model.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import ContractError
from ..runtime.project import Project
from .bundle import bundle
from .data.difference import Answers
from .edit import edit_yaml
from .evaluate import evaluate
from .ingest import ingest
from .layout import BUNDLE, CARD
from .settings import read_contract, read_params
from .train import train

SETTINGS = (Path("contract.yaml"), Path("params.yaml"), CARD)


def lay_out(folder: Path, settings: Path | None) -> list[Path]:
    """Copy the settings that the folder lacks from another one; return those that were copied.

    Raises ContractError if one is in neither.
    """
    absent = [name for name in SETTINGS if not (folder / name).is_file()]
    for name in absent:
        if settings is None or not (settings / name).is_file():
            raise ContractError(
                f"{folder / name}: no such file; put it there, or name a folder that has it: --settings"
            )
    for name in absent:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(settings or "") / name, folder / name)
    return absent


def run_all(project: Project, folder: Path, answers: Answers) -> str:
    """Run all stages in a folder; return the bundle's hash. Raises ContractError as the stages do."""
    contract, params = read_contract(folder / "contract.yaml"), read_params(folder / "params.yaml")
    print("\n".join(ingest(folder, contract, params, answers)))
    train(project, folder, contract, params)
    evaluate(project, folder, contract, params)
    return bundle(project, folder, contract, params)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `run`."""
    parser = argparse.ArgumentParser(
        prog="run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="where it happens (the current one)")
    parser.add_argument("--settings", type=Path, help="a folder with the settings for what the folder has not got")
    parser.add_argument("--source", help="CSV or Parquet: a path, glob or URL, as /data/new/*.csv")
    parser.add_argument("--watermark", help="the last period to take, as params.yaml has it")
    parser.add_argument(
        "--accept", action="append", default=[], metavar="PERIOD", help='take a period that changed, or "all"'
    )
    options = parser.parse_args(arguments)
    if not os.access(options.folder, os.W_OK):
        raise ContractError(
            f"{options.folder.absolute()} cannot be written to by user {os.getuid()}; in a container say "
            '--user "$(id -u)", or let the volume belong to that user'
        )
    copied = lay_out(options.folder, options.settings)
    if copied:
        print(f"copied from {options.settings}: {', '.join(map(str, copied))}")
    changes: dict[str, object] = {}
    if options.source is not None:
        changes["source"] = {"kind": "files", "path": options.source}
    if options.watermark is not None:
        changes["watermark"] = options.watermark
    if changes:
        edit_yaml(options.folder / "params.yaml", changes)
    digest = run_all(project, options.folder, Answers(frozenset(options.accept)))
    print(f"bundle {digest[:12]} in {options.folder / BUNDLE}/")
