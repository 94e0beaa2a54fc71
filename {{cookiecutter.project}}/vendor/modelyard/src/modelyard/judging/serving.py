"""The section `serving` of `policy.yaml`: how a version answers where it is deployed, and which others stand by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt, Lt

from ..runtime.contract import STRICT, ContractError

VERSION = re.compile(r"v\d+\.\d+\.\d+(-(alpha|beta|rc)\.?\d+)?")


@dataclass(frozen=True)
class Split:
    """Which released version's bundle answers a share of all keys, by a stable hash of the key.

    key: a column of the contract, or else a header of the request.
    """

    __pydantic_config__: ClassVar = STRICT

    version: str
    key: str
    share: Annotated[float, Gt(0), Lt(1)]

    def __post_init__(self) -> None:
        if not self.key.strip():
            raise ContractError(
                "serving.split.key is empty: a column of contract.yaml or a header such as X-Customer is needed"
            )


@dataclass(frozen=True)
class Serving:
    """How a version answers.

    deadline_ms: a bundle that takes longer for up to 1,000 rows, five times in a row, is not asked for ten seconds;
    fallback's bundle answers then, and the baseline where that fails too. None: as deploy/ has it, or 200.
    fallback, shadow: versions, or None. shadow: its bundle sees the same rows, and its answers are only noted.
    """

    __pydantic_config__: ClassVar = STRICT

    deadline_ms: Annotated[float, Gt(0)] | None = None
    fallback: str | None = None
    shadow: str | None = None
    split: Split | None = None

    def __post_init__(self) -> None:
        for key, version in self.named():
            if not VERSION.fullmatch(version):
                raise ContractError(f"serving.{key} is {version!r}: a released version such as v1.2.0 is needed")

    def named(self) -> Iterator[tuple[str, str]]:
        """Each version that is named, with the key that names it."""
        given = {
            "fallback": self.fallback,
            "shadow": self.shadow,
            "split.version": self.split.version if self.split else None,
        }
        return ((key, version) for key, version in given.items() if version is not None)
