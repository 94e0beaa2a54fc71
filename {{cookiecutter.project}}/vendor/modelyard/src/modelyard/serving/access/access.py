"""Who calls the service, and what they may do: API keys and bearer tokens of an OpenID Connect provider.

Roles: `predict` answers rows, `read` shows what is served and its metrics, `admin` changes what is served. No role
includes another. No message and no log line contains any part of a key or a token.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ContractError
from ..config import AccessConfig, OidcConfig
from ..refusal import Refusal
from .key import KeyFile, Role

if TYPE_CHECKING:
    from .oidc import Oidc

CHALLENGE = 'Bearer realm="predictions"'


class Caller(NamedTuple):
    """An authenticated caller: the name of the key, or `oidc:` and the token's subject, with its roles."""

    name: str
    roles: frozenset[Role]


ANYONE = Caller("anyone", frozenset({"predict", "read"}))


class Access:
    """Authenticates callers. Without keys and tokens it is open: anyone may predict and read, and nobody is admin."""

    def __init__(self, keys: KeyFile | None, oidc: Oidc | None) -> None:
        self._keys, self._oidc = keys, oidc
        self.is_open = keys is None and oidc is None

    @classmethod
    def from_config(cls, config: AccessConfig | None, open_: bool) -> Access:
        """The access that serving.json configures; `open_` lets anyone in.

        Raises ContractError if neither or both are given, the keys cannot be read, or the extra is missing.
        """
        configured = config is not None and (config.keys is not None or config.oidc is not None)
        if open_ and configured:
            raise ContractError("--open lets anyone predict, and `access` says who may; leave out one of the two")
        if not open_ and not configured:
            raise ContractError(
                "nobody could call the service: make a key with `key NAME` and name its file in `access.keys`, or "
                "configure `access.oidc`, or say --open where anyone may predict"
            )
        if config is None or open_:
            return cls(None, None)
        keys = None if config.keys is None else KeyFile(Path(config.keys))
        return cls(keys, None if config.oidc is None else _oidc(config.oidc))

    def check(self, headers: Iterable[tuple[bytes, bytes]], role: Role) -> Caller:
        """The caller who sent these headers (ASGI's: names in lower case).

        Raises Refusal with status 401 if the caller is unknown, 403 if the caller lacks the role, and 503 if the
        provider's keys have not been fetched yet.
        """
        caller = ANYONE if self.is_open else self._caller(headers)
        if role not in caller.roles:
            detail = f"{caller.name} has no role {role}"
            if self.is_open:
                detail += "; the service was started with --open, where nobody has it"
            challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{role}"'
            raise _refused(403, "Forbidden", detail, "www-authenticate", challenge)
        return caller

    @property
    def uses_oidc(self) -> bool:
        """Whether tokens of a provider are accepted."""
        return self._oidc is not None

    def has_keys(self) -> bool:
        """Whether all callers can be told apart: false until the provider's keys have been fetched."""
        return self._oidc is None or self._oidc.has_keys()

    def close(self) -> None:
        """Stop the background threads."""
        if self._oidc is not None:
            self._oidc.close()

    def _caller(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller:
        bearer, key = _credentials(headers)
        secret = bearer if key is None else key
        if secret is None:
            detail = "give a key as `X-API-Key: KEY` or `Authorization: Bearer KEY`"
            raise _refused(401, "Unauthorized", detail, "www-authenticate", CHALLENGE)
        if self._keys is not None and (key_entry := self._keys.find(secret)) is not None:
            return Caller(key_entry.name, frozenset(key_entry.roles))
        if bearer is not None and self._oidc is not None and bearer.count(b".") == 2:
            return _holder(bearer, self._oidc)
        raise _unknown("the key is not known here")


def _credentials(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None]:
    """The bearer token and the key in the headers. Other schemes are ignored: they may be for a proxy."""
    bearer = key = None
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            if bearer is not None or key is not None:
                raise _unknown("more than one key or token was given")
            bearer = value[7:].strip()
        elif name == b"x-api-key":
            if bearer is not None or key is not None:
                raise _unknown("more than one key or token was given")
            key = value.strip()
    return bearer, key


def _unknown(why: str) -> Refusal:
    challenge = f'{CHALLENGE}, error="invalid_token", error_description="{why}"'
    return _refused(401, "Unauthorized", why, "www-authenticate", challenge)


def _refused(status: int, title: str, detail: str, header: str, value: str) -> Refusal:
    return Refusal(status, title, detail, headers=[(header.encode(), value.encode())])


def _holder(token: bytes, oidc: Oidc) -> Caller:
    from .oidc import KeysMissing, TokenRefused

    try:
        return Caller(*oidc.verify(token))
    except TokenRefused as error:
        raise _unknown(str(error)) from None
    except KeysMissing as error:
        detail = f"{error}; ask again in some seconds"
        raise _refused(503, "Service Unavailable", detail, "retry-after", "2") from None


def _oidc(config: OidcConfig) -> Oidc:
    try:
        from .oidc import Oidc
    except ModuleNotFoundError as error:
        extra = f"{__name__.partition('.')[0]}[oidc]"
        raise ContractError(f"`access.oidc` needs {error.name}; install {extra}") from None
    return Oidc(config)
