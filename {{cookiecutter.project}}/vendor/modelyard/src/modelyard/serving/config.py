"""`serving.json`, read strictly: which models are served, to whom, and within which limits."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from ..errors import ContractError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Above0 = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
AtLeast0 = Annotated[int, Meta(ge=0)]


class SplitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`models.<name>.split` of serving.json; see `TrafficSplit`."""

    bundle: str
    key: str
    share: float


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`models.<name>` of serving.json: folders of bundles. bundle: None means the one inside the wheel.

    online: the online store, a file or an address of Redis, if rows do not carry the features with history.
    """

    bundle: str | None = None
    fallback: str | None = None
    shadow: str | None = None
    split: SplitConfig | None = None
    online: str | None = None


class RateConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rate`: how many requests one caller may send, per second in the long run (0: no limit) and at once."""

    per_second: Annotated[float, Meta(ge=0)] = 0
    burst: AtLeast0 = 0


class LogConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`log`: the folder of the prediction log, the time until a line is written, and the limits on its files.

    A worker's files take at most `files` times `file_mb` on the disk; those that are full are compressed, to about a
    tenth.
    """

    folder: str
    flush_seconds: Above0 = 0.2
    file_mb: Above0 = 64
    files: Annotated[int, Meta(ge=2)] = 16


class OidcConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`access.oidc` of serving.json.

    jwks: a file or an https address with the provider's public keys. roles: the claim that lists the caller's roles;
    a dotted path names a nested claim, as in `realm_access.roles`.
    """

    issuer: str
    audience: str
    jwks: str
    roles: str = "roles"


class AccessConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`access` of serving.json. keys: the file written by the verb `key`."""

    keys: str | None = None
    oidc: OidcConfig | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `serving.json`. Relative folders start at the service's working directory.

    default: the model that /predict answers with; optional if there is only one. workers: processes (0: one for each
    core). deadline_ms: see `variants.Served`. body_mb: the largest body of a request, in 10^6 bytes. rows: the largest
    number of rows in one request. variant: a label in metrics, log and answers.

    A reload reads `models`, `default`, `deadline_ms`, `rows` and `variant` again; the other keys need a restart.
    """

    models: dict[str, ModelConfig]
    default: str | None = None
    workers: AtLeast0 = 0
    host: str = "0.0.0.0"  # noqa: S104, it runs in a container, whose ports are published one by one
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

    @property
    def log_name(self) -> str:
        """What this service's files of the prediction log have in their names, so that others can lie beside them."""
        return hashlib.sha256(f"{self.main}/{self.variant}".encode("utf-8", "replace")).hexdigest()[:8]


def read_config(path: Path) -> Config:
    """The configuration in a file. Raises ContractError that names file, key, the value given and what is allowed."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ContractError(f"{path} is no JSON: {error}") from None
    if faults := _unknown(raw, Config, ""):
        raise ContractError("\n".join(f"{path}: {fault}" for fault in faults))
    for name, model in _models(raw):
        _convert(model, ModelConfig, f"{path}: models.{name}.")
    config: Config = _convert(raw, Config, f"{path}: ")
    check_names(config, str(path))
    return config


def check_names(config: Config, where: str) -> None:
    """Raise ContractError if the name of a model cannot be part of a path, or the default is not one of the models."""
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


def _unknown(raw: Any, kind: Any, where: str) -> list[str]:
    """A message for each unknown key, with the keys that are allowed."""
    if not isinstance(raw, dict):
        return []
    hints = get_type_hints(kind)
    faults = [f"{where}{key}: there is no such key; there are: {', '.join(hints)}" for key in raw if key not in hints]
    for key in raw.keys() & hints.keys():
        inner = [part for part in (hints[key], *get_args(hints[key])) if isinstance(part, type(msgspec.Struct))]
        if not inner:
            continue
        if str(hints[key]).startswith("dict") and isinstance(raw[key], dict):
            for name, value in raw[key].items():
                faults += _unknown(value, inner[0], f"{where}{key}.{name}.")
        else:
            faults += _unknown(raw[key], inner[0], f"{where}{key}.")
    return faults


def _models(raw: Any) -> Iterable[tuple[str, Any]]:
    models = raw.get("models") if isinstance(raw, dict) else None
    return models.items() if isinstance(models, dict) else ()


def _convert(raw: Any, kind: Any, where: str) -> Any:
    """Convert the value to this type. Raises ContractError with the key, msgspec's message and the value."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        keys = re.findall(r"[^.\[\]`]+", place)
        for key in keys:
            raw = raw[key]
        key = ".".join(keys)
        raise ContractError(f"{where}{key}{': ' if key else ''}{problem}; given was {json.dumps(raw)[:100]}") from None
