"""`redis://host:port/number?prefix=NAME`: an online store in Redis."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from ...errors import ContractError

SCHEMES = ("redis", "rediss")  # the second with TLS
PREFIX = re.compile(r"[A-Za-z0-9._-]{1,100}")
EXAMPLE = "redis://localhost:6379/0, or redis://localhost:6379/0?prefix=orders beside other stores"


class RedisAddress(NamedTuple):
    """A database of a Redis server. prefix: what the keys of the store begin with. tls: whether to encrypt."""

    host: str
    port: int
    database: int
    prefix: str
    tls: bool

    def __str__(self) -> str:
        scheme = "rediss" if self.tls else "redis"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}/{self.database}?prefix={self.prefix}"


def redis_address(text: str) -> RedisAddress | None:
    """What a text names; None if it names a file. Raises ContractError that says what is wrong, without a password."""
    scheme, separator, _ = text.partition("://")
    if not separator:
        return None
    shown = f"{scheme}://{text.rpartition('@')[2].removeprefix(f'{scheme}://')}"
    if scheme not in SCHEMES:
        raise ContractError(f"{shown}: an online store is a file or a Redis server, such as {EXAMPLE}")
    if "@" in text:
        raise ContractError(
            f"{shown}: a name and a password do not belong in the address, where a list of processes shows them; set "
            "REDIS_USERNAME and REDIS_PASSWORD"
        )
    try:
        parts = urlsplit(text)
        port = 6379 if parts.port is None else parts.port
    except ValueError as error:
        raise ContractError(f"{shown}: {error}; write it as in {EXAMPLE}") from None
    settings = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix, number = settings.pop("prefix", "modelyard"), parts.path.removeprefix("/") or "0"
    faults = {
        "the host is missing": not parts.hostname,
        f"{number!r} is no number of a database": not (number.isascii() and number.isdecimal()),
        f"prefix {prefix!r} must be letters, digits, '.', '_' and '-', at most 100": not PREFIX.fullmatch(prefix),
        f"there is no setting {next(iter(settings), '')!r}": bool(settings),
        "it has a fragment": bool(parts.fragment),
    }
    for fault, is_so in faults.items():
        if is_so:
            raise ContractError(f"{shown}: {fault}; write it as in {EXAMPLE}")
    return RedisAddress(str(parts.hostname), port, int(number), prefix, scheme == "rediss")
