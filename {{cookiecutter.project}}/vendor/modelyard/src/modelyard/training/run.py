"""Run all stages on data in a folder, without the repository: ingest, train, evaluate, bundle.

The folder is laid out as a project is. Where it has no contract.yaml, params.yaml or docs/model-card.md, those of
--settings are copied into it first; your own say more about other data. --source and --watermark are written to its
params.yaml.
A later run with a later watermark takes the new periods only, and bundle/ then holds the new model.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from ..command import run
from ..runtime.contract import ContractError
from .bundle import bundle
from .edit import edit_yaml
from .evaluate import evaluate
from .ingest import Answers, ingest
from .layout import BUNDLE, CARD
from .settings import read_contract, read_params
from .train import train

SETTINGS = (Path("contract.yaml"), Path("params.yaml"), CARD)


def lay_out(folder: Path, settings: Path | None) -> list[Path]:
    """Copy the settings that the folder has not got from another one; those that were copied.

    Raises ContractError where one is in neither.
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


def run_all(folder: Path, answers: Answers) -> str:
    """Run all stages in a folder; the bundle's hash. Raises ContractError as the stages do."""
    contract, params = read_contract(folder / "contract.yaml"), read_params(folder / "params.yaml")
    print("\n".join(ingest(folder, contract, params, answers)))
    train(folder, contract, params)
    evaluate(folder, contract, params)
    return bundle(folder, contract, params)


def main(arguments: list[str] | None = None) -> None:
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
    given = parser.parse_args(arguments)
    if not os.access(given.folder, os.W_OK):
        raise ContractError(f"{given.folder.absolute()} cannot be written to by user {os.getuid()}; in a container say "
                            '--user "$(id -u)", or let the volume belong to that user')  # fmt: skip
    copied = lay_out(given.folder, given.settings)
    if copied:
        print(f"copied from {given.settings}: {', '.join(map(str, copied))}")
    changes: dict[str, object] = {}
    if given.source is not None:
        changes["source"] = {"kind": "files", "path": given.source}
    if given.watermark is not None:
        changes["watermark"] = given.watermark
    if changes:
        edit_yaml(given.folder / "params.yaml", changes)
    digest = run_all(given.folder, Answers(frozenset(given.accept)))
    print(f"bundle {digest[:12]} in {given.folder / BUNDLE}/")


if __name__ == "__main__":
    run(main)
