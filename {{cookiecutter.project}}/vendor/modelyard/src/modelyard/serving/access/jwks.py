"""The public keys of an OpenID Connect provider, from a file or an address, kept up to date."""

from __future__ import annotations

import logging
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
import msgspec

from ...errors import ContractError
from .key import LOOK_EVERY, stamp

REFRESH = 300.0  # seconds between two fetches of the provider's keys
AGAIN = 5.0  # seconds between two fetches because of an unknown key, which anyone can name
TIMEOUT = 5.0  # seconds
LARGEST = 1_000_000  # bytes of a key set

RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
ALGORITHMS = (*RSA, *CURVES.values())  # no shared secrets (HS256), with which whoever verifies tokens could issue them

_log = logging.getLogger(__name__)

PublicKeys = Mapping[tuple[str | None, str], jwt.PyJWK]


class KeySet(Protocol):
    """Keys that may change. `current` returns the same object until they do."""

    def current(self) -> PublicKeys:
        """The keys by `kid` and algorithm; empty until they have been fetched."""

    def look_for_more(self) -> bool:
        """Whether missing keys may arrive soon, so that the client should try again."""

    def close(self) -> None:
        """Stop the background thread."""


def public_keys(raw: bytes) -> PublicKeys:
    """The keys of a JWK set that may check signatures, by `kid` and algorithm.

    Raises ContractError if it is not a JWK set, or none of its keys can be used. Keys that are not for signatures, are
    shared secrets or have an unknown type are left out.
    """
    try:
        listed = msgspec.json.decode(raw)["keys"]
        for_signatures = [jwk for jwk in listed if jwk.get("use", "sig") == "sig"]
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise ContractError('it is no JWK set: {"keys": [...]} is expected') from None
    keys: dict[tuple[str | None, str], jwt.PyJWK] = {}
    for jwk in for_signatures:
        allowed = RSA if jwk.get("kty") == "RSA" else (CURVES.get(str(jwk.get("crv"))),)
        for algorithm in allowed:
            if algorithm is not None and jwk.get("alg", algorithm) == algorithm:
                try:
                    keys[jwk.get("kid"), algorithm] = jwt.PyJWK(jwk, algorithm)
                except (jwt.PyJWTError, ValueError, TypeError):
                    _log.warning("a key of the provider cannot be read and is left out")
    if not keys:
        raise ContractError(f"it has no public key for one of {', '.join(ALGORITHMS)}")
    return keys


def key_set(place: str) -> KeySet:
    """The keys at an address or in a file.

    Raises ContractError where the address is not https (a loopback address may be http) or the file cannot be used.
    """
    return AddressKeys(place) if "://" in place else FileKeys(Path(place))


class FileKeys:
    """Keys in a file, which is checked for changes at most once a second; if it cannot be read, the old keys stay."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp, self._looked = stamp(path), time.monotonic()
        self._keys = self._read()

    def current(self) -> PublicKeys:
        """See `KeySet`."""
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            if (now_stamp := stamp(self._path)) != self._stamp:
                self._stamp = now_stamp
                try:
                    self._keys = self._read()
                except ContractError as error:
                    _log.error("the provider's keys from before stay in use: %s", error)
        return self._keys

    def look_for_more(self) -> bool:
        """See `KeySet`."""
        return False

    def close(self) -> None:
        """See `KeySet`."""

    def _read(self) -> PublicKeys:
        try:
            return public_keys(self._path.read_bytes())
        except OSError as error:
            raise ContractError(f"access.oidc.jwks: {self._path}: {error.strerror}") from None
        except ContractError as error:
            raise ContractError(f"access.oidc.jwks: {self._path}: {error}") from None


class AddressKeys:
    """Keys at an address, fetched in the background, so that no request waits for the provider.

    They are fetched at the start and every five minutes, and every five seconds while there are none. When a token
    names an unknown key, they are fetched at once, but at most every five seconds, so a new key is accepted by then.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise ContractError(
                f"access.oidc.jwks: {address}: keys that come over {parts.scheme} could be anybody's; give https, or a "
                "file"
            )
        self._address = address
        self._keys: PublicKeys = {}
        self._last_asked = time.monotonic()
        self._wake = threading.Event()
        self._fetching, self._closed = True, False
        threading.Thread(target=self._run, name="jwks", daemon=True).start()

    def current(self) -> PublicKeys:
        """See `KeySet`."""
        return self._keys

    def look_for_more(self) -> bool:
        """See `KeySet`."""
        now = time.monotonic()
        if self._keys and not self._fetching and now - self._last_asked >= AGAIN:
            self._last_asked, self._fetching = now, True
            self._wake.set()
        return self._fetching or not self._keys

    def close(self) -> None:
        """See `KeySet`."""
        self._closed = True
        self._wake.set()

    def _run(self) -> None:
        before = b""
        while not self._closed:
            try:
                raw = _fetch(self._address)
                if raw != before:
                    self._keys, before = public_keys(raw), raw
            except Exception as error:  # whatever the provider answers, it is asked again
                _log.error("access.oidc.jwks: %s: %s; the keys from before stay in use", self._address, error)
            self._fetching = False
            self._wake.wait(REFRESH if self._keys else TIMEOUT)
            self._wake.clear()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, through which someone else could supply the keys."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _fetch(address: str) -> bytes:
    """A key set from its address. Raises OSError, or ValueError if it is too large."""
    with urllib.request.build_opener(_NoRedirect).open(address, timeout=TIMEOUT) as answer:
        raw: bytes = answer.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise ValueError(f"the answer is larger than {LARGEST} bytes")
    return raw
