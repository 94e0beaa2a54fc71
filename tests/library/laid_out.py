"""A folder that is laid out as a project is, with its settings read anew each time that they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelyard.runtime.contract import Contract
from modelyard.training.edit import edit_yaml
from modelyard.training.settings import Params, read_contract, read_params


@dataclass(frozen=True)
class LaidOut:
    """The folder."""

    root: Path

    @property
    def contract(self) -> Contract:
        """The contract as it stands in the folder."""
        return read_contract(self.root / "contract.yaml")

    @property
    def params(self) -> Params:
        """The parameters as they stand in the folder."""
        return read_params(self.root / "params.yaml")

    def edit(self, **values: object) -> None:
        """Change params.yaml."""
        edit_yaml(self.root / "params.yaml", values)
