"""The files behind features with history as dependencies of `ingest` in dvc.yaml: DVC notices when they change."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ..errors import ContractError
from ..runtime.contract import Contract
from .draft.watched import watched_paths
from .edit import round_trip

PIPELINE = Path("dvc.yaml")


def unwatched(contract: Contract, root: Path) -> list[str]:
    """The paths in the project with records of features that `ingest` does not depend on; none without a pipeline.

    Raises ContractError where the pipeline itself makes one of them.
    """
    if not contract.features or not (root / PIPELINE).is_file():
        return []
    deps = [PurePosixPath(dep) for dep in round_trip().load(root / PIPELINE)["stages"]["ingest"].get("deps", [])]
    needed = [path for source in _sources(contract) for path in watched_paths(source, root)]
    return [
        path
        for path in dict.fromkeys(needed)
        if not Path(path).is_absolute() and not any(PurePosixPath(path).is_relative_to(dep) for dep in deps)
    ]


def check_watched(contract: Contract, root: Path) -> None:
    """Raise ContractError, with what to do, where DVC would not notice a change of some records."""
    if paths := unwatched(contract, root):
        raise ContractError(
            f"dvc.yaml: stages.ingest.deps lacks {', '.join(paths)}, which contract.yaml names under features: run "
            "`make features`, which adds it"
        )


def watch_records(contract: Contract, root: Path) -> list[str]:
    """Add to dvc.yaml what `ingest` does not depend on yet; return it."""
    if paths := unwatched(contract, root):
        yaml = round_trip()
        content = yaml.load(root / PIPELINE)
        content["stages"]["ingest"]["deps"].extend(path.replace("${", "\\${") for path in paths)
        yaml.dump(content, root / PIPELINE)
    return paths


def _sources(contract: Contract) -> list[str]:
    return list(dict.fromkeys(feature.source for feature in contract.features.values()))
