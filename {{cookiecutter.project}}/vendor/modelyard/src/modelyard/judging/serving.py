"""The section `serving` of `policy.yaml`: how a deployed version answers, with fallback, shadow and split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt, Lt

from ..errors import ContractError
from ..runtime.column import STRICT
from ..versions import find_version


@dataclass(frozen=True)
class SplitPolicy:
    """The released version whose bundle answers a share of all keys, chosen by a stable hash of the key.

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

    deadline_ms: a bundle that takes longer for up to 1,000 rows, five times in a row, is not called for ten seconds.
    The bundle of `fallback` answers then, and the baseline if that fails too. None: as in deploy/, or 200. fallback,
    shadow: versions, or None. shadow: its bundle is given the same rows, and its answers are only recorded.
    """

    __pydantic_config__: ClassVar = STRICT

    deadline_ms: Annotated[float, Gt(0)] | None = None
    fallback: str | None = None
    shadow: str | None = None
    split: SplitPolicy | None = None

    def __post_init__(self) -> None:
        for key, version in self.named():
            parsed = find_version(version)
            if not (parsed and parsed.can_be_packaged):
                raise ContractError(f"serving.{key} is {version!r}: a released version such as v1.2.0 is needed")

    def named(self) -> Iterator[tuple[str, str]]:
        """Each version that is named, with the key that names it."""
        versions = {
            "fallback": self.fallback,
            "shadow": self.shadow,
            "split.version": self.split.version if self.split else None,
        }
        return ((key, version) for key, version in versions.items() if version is not None)
