"""Bearer tokens of an OpenID Connect provider (JWT), verified with the provider's public keys.

Requires the extra `oidc`, so it is imported only where serving.json configures it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import jwt

from ..config import OidcConfig
from .jwks import ALGORITHMS, PublicKeys, key_set
from .key import ROLES, Role

LEEWAY = 30  # seconds that two clocks may differ
KEEP = 60.0  # seconds for which a decision is cached, unless the token expires before
KEPT = 10_000  # cached decisions
LONGEST = 16_384  # bytes of a token
LATEST = 253_402_300_800  # seconds since 1970, the end of the year 9999: no later time is meant


class TokenRefused(Exception):
    """A token that is not accepted; the message contains no part of it."""


class KeysMissing(Exception):
    """The provider's keys are being fetched; the token could not be verified yet."""


Verified = tuple[str, frozenset[Role]]


class Oidc:
    """Verifies tokens, and caches each decision for at most a minute, so that a caller's next request costs little.

    When the provider's keys change, the cache is cleared.

    Raises ContractError if the keys cannot be read, see `jwks.key_set`.
    """

    def __init__(self, config: OidcConfig) -> None:
        self._config = config
        self._source = key_set(config.jwks)
        self._keys: PublicKeys = {}
        self._decisions: dict[bytes, tuple[float, Verified]] = {}

    def verify(self, token: bytes) -> Verified:
        """The holder of a token, as `oidc:<subject>`, and the roles that it grants.

        Raises TokenRefused, or KeysMissing while the provider's keys are being fetched.
        """
        now = time.monotonic()
        if (keys := self._source.current()) is not self._keys:
            self._keys, self._decisions = keys, {}
        digest = hashlib.sha256(token).digest()
        decision = self._decisions.get(digest)
        if decision is not None and now < decision[0]:
            return decision[1]
        verified, ends = self._judge(token)
        if len(self._decisions) >= KEPT:
            self._decisions.clear()
        self._decisions[digest] = (now + min(KEEP, ends - time.time()), verified)
        return verified

    def has_keys(self) -> bool:
        """Whether the provider's keys have been fetched, so that tokens can be verified."""
        return bool(self._source.current())

    def close(self) -> None:
        """Stop the background thread."""
        self._source.close()

    def _judge(self, token: bytes) -> tuple[Verified, float]:
        """The holder and roles of a token, and when it expires (seconds since 1970)."""
        if len(token) > LONGEST:
            raise TokenRefused(f"the token is longer than {LONGEST} bytes")
        try:
            header = jwt.get_unverified_header(token)
        except Exception:  # whatever is in a header, nobody can have signed it yet
            raise TokenRefused("the token is no JWT") from None
        key = self._key(header)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._config.audience,
                issuer=self._config.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
            ends = _time(claims["exp"])
            _time(claims.get("nbf", 0))
            _time(claims.get("iat", 0))
        except Exception as error:  # claims can be anything, and none may become a fault of the service
            raise TokenRefused(_REASONS.get(type(error), "the token is not valid")) from None
        return (f"oidc:{claims['sub']}", _roles(claims, self._config.roles)), ends + LEEWAY

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        algorithm, kid, keys = header.get("alg"), header.get("kid"), self._keys
        if algorithm not in ALGORITHMS:
            raise TokenRefused("the token is not signed with a public-key algorithm")
        if (kid, algorithm) in keys:
            return keys[kid, algorithm]
        fitting = [key for (_, key_algorithm), key in keys.items() if key_algorithm == algorithm]
        if kid is None and len(fitting) == 1:
            return fitting[0]
        if kid is None and keys:
            raise TokenRefused("the token names no key (kid), and there is not exactly one that fits")
        if self._source.look_for_more():
            raise KeysMissing("the provider's keys are being fetched")
        raise TokenRefused("the token is signed with a key that the provider does not list")


def _time(claim: Any) -> float:
    """Seconds since 1970. Raises ValueError if it is no number or no time that a calendar has."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not 0 <= claim < LATEST:
        raise ValueError("no time")
    return float(claim)


_REASONS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "the token has ended (exp)",
    jwt.ImmatureSignatureError: "the token is not valid yet (nbf, iat)",
    jwt.InvalidAudienceError: "the token is for another audience (aud)",
    jwt.InvalidIssuerError: "the token is from another issuer (iss)",
    jwt.InvalidSignatureError: "the token's signature is wrong",
    jwt.MissingRequiredClaimError: "the token lacks one of the claims exp, iss, aud, sub",
}


def _roles(claims: Mapping[str, Any], path: str) -> frozenset[Role]:
    """The roles that a token grants, from a list or a text separated by spaces; unknown names are ignored."""
    claim: Any = claims.get(path)
    if claim is None:
        claim = claims
        for step in path.split("."):
            claim = claim.get(step) if isinstance(claim, dict) else None
    named = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(role for role in ROLES if role in named)
