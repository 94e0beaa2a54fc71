"""Who asks, and what they may do: API keys and bearer tokens of an OpenID Connect provider.

Roles: `predict` answers rows, `read` shows what is served and how it fares, `admin` changes what is served. No role
holds another. A message or a log line never holds anything of a key or a token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ...runtime.contract import ContractError
from .key import KeyFile, Role

if TYPE_CHECKING:
    from .oidc import Oidc

CHALLENGE = 'Bearer realm="predictions"'


class OidcConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`access.oidc` of serving.json.

    jwks: a file or an https address with the provider's public keys. roles: the claim that lists the caller's roles;
    dots lead into nested claims, as in `realm_access.roles`.
    """

    issuer: str
    audience: str
    jwks: str
    roles: str = "roles"


class AccessConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`access` of serving.json. keys: the file that the verb `key` writes."""

    keys: str | None = None
    oidc: OidcConfig | None = None


class Caller(NamedTuple):
    """Somebody who may do something: the name of the key, or `oidc:` and the token's subject."""

    name: str
    roles: frozenset[Role]


ANYONE = Caller("anyone", frozenset({"predict", "read"}))


class Refused(Exception):
    """A request that is not let in: what to answer (RFC 9457's status, title and detail) and with which headers."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail, self.headers = status, title, detail, headers


class Access:
    """Lets callers in. Without keys and tokens it is open: anyone may predict and read, and nobody is admin."""

    def __init__(self, keys: KeyFile | None, oidc: Oidc | None) -> None:
        self._keys, self._oidc = keys, oidc
        self.is_open = keys is None and oidc is None

    @classmethod
    def from_config(cls, config: AccessConfig | None, open_: bool) -> Access:
        """The access that serving.json describes; with `open_` there is none to check.

        Raises ContractError where neither or both are given, where the keys cannot be read, or the extra is missing.
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
        """Who sent these headers (ASGI's: names in lower case).

        Raises Refused: 401 where it is not known who asks, 403 where they may not, 503 where it cannot be told yet.
        """
        caller = ANYONE if self.is_open else self._caller(headers)
        if role not in caller.roles:
            detail = f"{caller.name} has no role {role}"
            if self.is_open:
                detail += "; the service was started with --open, where nobody has it"
            challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{role}"'
            raise Refused(403, "Forbidden", detail, {"www-authenticate": challenge})
        return caller

    def close(self) -> None:
        """End what runs in the background."""
        if self._oidc is not None:
            self._oidc.close()

    def _caller(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller:
        bearer, key = _credentials(headers)
        secret = bearer if key is None else key
        if secret is None:
            detail = "give a key as `X-API-Key: KEY` or `Authorization: Bearer KEY`"
            raise Refused(401, "Unauthorized", detail, {"www-authenticate": CHALLENGE})
        if self._keys is not None and (found := self._keys.find(secret)) is not None:
            return Caller(found.name, frozenset(found.roles))
        if bearer is not None and self._oidc is not None and bearer.count(b".") == 2:
            return _holder(bearer, self._oidc)
        raise _unknown("the key is not known here")


def _credentials(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None]:
    """What was given as bearer and as key. Another scheme is for somebody before the service, such as a proxy."""
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


def _unknown(why: str) -> Refused:
    challenge = f'{CHALLENGE}, error="invalid_token", error_description="{why}"'
    return Refused(401, "Unauthorized", why, {"www-authenticate": challenge})


def _holder(token: bytes, oidc: Oidc) -> Caller:
    from .oidc import KeysMissing, TokenRefused

    try:
        return Caller(*oidc.verify(token))
    except TokenRefused as error:
        raise _unknown(str(error)) from None
    except KeysMissing as error:
        detail = f"{error}; ask again in some seconds"
        raise Refused(503, "Service Unavailable", detail, {"retry-after": "2"}) from None


def _oidc(config: OidcConfig) -> Oidc:
    try:
        from .oidc import Oidc
    except ModuleNotFoundError as error:
        extra = f"{(__package__ or '').partition('.')[0]}[oidc]"
        raise ContractError(f"`access.oidc` needs {error.name}; install {extra}") from None
    return Oidc(config)
