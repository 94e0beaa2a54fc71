"""Bearer tokens of an OpenID Connect provider (JWT), checked here with the provider's public keys.

It needs the extra `oidc`, so it is imported only where serving.json configures it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import jwt

from .access import OidcConfig
from .jwks import ALGORITHMS, PublicKeys, key_set
from .key import ROLES, Role

LEEWAY = 30  # seconds that two clocks may differ
KEEP = 60.0  # seconds for which a decision is kept, unless the token ends before
KEPT = 10_000  # decisions
LONGEST = 16_384  # bytes of a token


class TokenRefused(Exception):
    """A token that is not taken, in words that hold nothing of it."""


class KeysMissing(Exception):
    """The provider's keys are on their way; the token could not be judged yet."""


Verified = tuple[str, frozenset[Role]]


class Oidc:
    """Judges tokens, and keeps what it found for a minute at most, so that a caller's next request costs little.

    When the provider's keys change, all that was found with those from before is forgotten.

    Raises ContractError where the keys cannot be had, see `jwks.key_set`.
    """

    def __init__(self, config: OidcConfig) -> None:
        self._config = config
        self._source = key_set(config.jwks)
        self._keys: PublicKeys = {}
        self._kept: dict[bytes, tuple[float, Verified]] = {}

    def verify(self, token: bytes) -> Verified:
        """Who holds a token, as `oidc:<subject>`, and the roles that it gives.

        Raises TokenRefused, or KeysMissing where the provider's keys are still being fetched.
        """
        now = time.monotonic()
        if (keys := self._source.current()) is not self._keys:
            self._keys, self._kept = keys, {}
        digest = hashlib.sha256(token).digest()
        kept = self._kept.get(digest)
        if kept is not None and now < kept[0]:
            return kept[1]
        verified, ends = self._judge(token)
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[digest] = (now + min(KEEP, ends - time.time()), verified)
        return verified

    def close(self) -> None:
        """End what runs in the background."""
        self._source.close()

    def _judge(self, token: bytes) -> tuple[Verified, float]:
        """What a token says, and until when (seconds since 1970)."""
        if len(token) > LONGEST:
            raise TokenRefused(f"the token is longer than {LONGEST} bytes")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
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
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenRefused(_REASONS.get(type(error), "the token is not valid")) from None
        return (f"oidc:{claims['sub']}", _roles(claims, self._config.roles)), float(claims["exp"]) + LEEWAY

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        algorithm, kid, keys = header.get("alg"), header.get("kid"), self._keys
        if algorithm not in ALGORITHMS:
            raise TokenRefused("the token is not signed with a public-key algorithm")
        if (kid, algorithm) in keys:
            return keys[kid, algorithm]
        fitting = [key for (_, made_for), key in keys.items() if made_for == algorithm]
        if kid is None and len(fitting) == 1:
            return fitting[0]
        if kid is None and keys:
            raise TokenRefused("the token names no key (kid), and there is not exactly one that fits")
        if self._source.look_for_more():
            raise KeysMissing("the provider's keys are being fetched")
        raise TokenRefused("the token is signed with a key that the provider does not list")


_REASONS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "the token has ended (exp)",
    jwt.ImmatureSignatureError: "the token is not valid yet (nbf, iat)",
    jwt.InvalidAudienceError: "the token is for another audience (aud)",
    jwt.InvalidIssuerError: "the token is from another issuer (iss)",
    jwt.InvalidSignatureError: "the token's signature is wrong",
    jwt.MissingRequiredClaimError: "the token lacks one of the claims exp, iss, aud, sub",
}


def _roles(claims: Mapping[str, Any], path: str) -> frozenset[Role]:
    """The roles that a token gives: a list, or words with spaces between them; words that are no role give nothing."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    named = found.split() if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(role for role in ROLES if role in named)
