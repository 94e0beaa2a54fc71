"""`serving.json`, read strictly: which models are served, to whom, and within which limits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from ..runtime.contract import ContractError
from .access.access import AccessConfig

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Above0 = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
AtLeast0 = Annotated[int, Meta(ge=0)]


class SplitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`models.<name>.split` of serving.json; see `Split`."""

    bundle: str
    key: str
    share: float


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`models.<name>` of serving.json: folders of bundles. bundle: None is the one inside the wheel."""

    bundle: str | None = None
    fallback: str | None = None
    shadow: str | None = None
    split: SplitConfig | None = None


class RateConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rate`: requests that one caller may send in the long run (0: no limit), and at once."""

    per_second: Annotated[float, Meta(ge=0)] = 0
    burst: AtLeast0 = 0


class LogConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`log`: the folder of the prediction log, after how long a line is safe, and how much may lie there."""

    folder: str
    flush_seconds: Above0 = 0.2
    file_mb: Above0 = 64
    files: Annotated[int, Meta(ge=2)] = 16


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `serving.json` says. Folders are as they are, or from where the service is started.

    default: the model that /predict answers with; not needed where there is one. workers: processes (0: one for each
    core). deadline_ms: see `variants.Served`. body_mb: 10^6 bytes of a request's body; rows: in one request. variant:
    a label in metrics, log and answers.

    When bundles are loaded again, `models`, `default`, `deadline_ms`, `rows` and `variant` are read anew; the rest
    needs a new start.
    """

    models: dict[str, ModelConfig]
    default: str | None = None
    workers: AtLeast0 = 0
    host: str = "0.0.0.0"  # noqa: S104, it is in a container; its ports are opened one by one
    port: Annotated[int, Meta(ge=0, le=65535)] = 8000
    deadline_ms: Above0 = 200
    body_mb: Above0 = 16
    rows: Count = 100_000
    rate: RateConfig = RateConfig()
    access: AccessConfig | None = None
    log: LogConfig | None = None
    variant: Annotated[str, Meta(min_length=1, max_length=64)] = "stable"

    @property
    def main(self) -> str:
        """The name of the model that /predict answers with."""
        return self.default or next(iter(self.models))


def read_config(path: Path) -> Config:
    """The configuration in a file. Raises ContractError that names file, key, what was given and what is allowed."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ContractError(f"{path} is no JSON: {error}") from None
    if faults := _unknown(given, Config, ""):
        raise ContractError("\n".join(f"{path}: {fault}" for fault in faults))
    for name, model in _models(given):
        _convert(model, ModelConfig, f"{path}: models.{name}.")
    config: Config = _convert(given, Config, f"{path}: ")
    check_names(config, str(path))
    return config


def check_names(config: Config, where: str) -> None:
    """Raises ContractError where a model has a name that no path could hold, or the default is none of them."""
    if not config.models:
        raise ContractError(f"{where}: models is empty; name at least one")
    for name in config.models:
        if not NAME.fullmatch(name):
            raise ContractError(f"{where}: models: {name!r} must be letters, digits, '.', '_' and '-', at most 100")
    names = ", ".join(config.models)
    if config.default is None and len(config.models) > 1:
        raise ContractError(f"{where}: default is missing: it says which of {names} answers /predict")
    if config.default is not None and config.default not in config.models:
        raise ContractError(f"{where}: default: {config.default!r} is none of the models: {names}")


def _unknown(given: Any, kind: Any, where: str) -> list[str]:
    """Each key that is not known, with those that are."""
    if not isinstance(given, dict):
        return []
    hints = get_type_hints(kind)
    faults = [f"{where}{key}: there is no such key; there are: {', '.join(hints)}" for key in given if key not in hints]
    for key in given.keys() & hints.keys():
        inner = [part for part in (hints[key], *get_args(hints[key])) if isinstance(part, type(msgspec.Struct))]
        if not inner:
            continue
        if str(hints[key]).startswith("dict") and isinstance(given[key], dict):
            for name, value in given[key].items():
                faults += _unknown(value, inner[0], f"{where}{key}.{name}.")
        else:
            faults += _unknown(given[key], inner[0], f"{where}{key}.")
    return faults


def _models(given: Any) -> Iterable[tuple[str, Any]]:
    models = given.get("models") if isinstance(given, dict) else None
    return models.items() if isinstance(models, dict) else ()


def _convert(given: Any, kind: Any, where: str) -> Any:
    """The value as this type. Raises ContractError with msgspec's message, the key first and what was given last."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        keys = re.findall(r"[^.\[\]`]+", place)
        for key in keys:
            given = given[key]
        key = ".".join(keys)
        raise ContractError(f"{where}{key}{': ' if key else ''}{what}; given was {json.dumps(given)[:100]}") from None
