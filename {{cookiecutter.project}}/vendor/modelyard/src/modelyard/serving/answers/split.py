"""A traffic split (A/B test): a stable hash of a key decides which bundle answers."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from ...errors import ContractError
from ...runtime.contract import Contract

HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class TrafficSplit:
    """Sends a share of all keys to the second bundle; a key goes to the same bundle in every process and release.

    The key's place in [0, 1) is the BLAKE2b of the UTF-8 text `<model>:<key>`, with a digest of 8 bytes, of which the
    first 53 bits are read as a binary fraction. The second bundle answers if the place is below the share. So a larger
    share includes the keys of a smaller one, and the splits of two models are independent of each other.

    key: a column of the contract, of any role, or else a header of the request.

    Raises ContractError if it is neither, or the share is not between 0 and 1.
    """

    def __init__(self, model: str, key: str, share: float, contract: Contract) -> None:
        if not 0 <= share <= 1:
            raise ContractError(f"models.{model}.split.share is {share}; it must be within 0 and 1")
        self.column = key if key in contract.columns else None
        self.header = None if self.column else key.lower().encode()
        # proxies drop headers with an underscore, so such a name is probably a misspelt column
        if self.column is None and not HEADER.fullmatch(key):
            columns = ", ".join(contract.columns)
            raise ContractError(
                f"models.{model}.split.key: {key!r} is neither a header nor a column; columns: {columns}"
            )
        self._salt, self._share = f"{model}:", share

    def takes(self, key: Any) -> bool:
        """Whether the second bundle answers this key; a missing key (None) stays with the first."""
        return key is not None and place(self._salt + canonical(key)) < self._share


def place(text: str) -> float:
    """The place of a text in [0, 1)."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53  # what a float holds exactly


def canonical(key: Any) -> str:
    """The text of a key: 12 and 12.0 are the same number, and true is `true`."""
    if isinstance(key, bytes):
        return key.decode("latin-1")
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    return hex(key) if isinstance(key, int) and abs(key) >= 2**64 else str(key)  # str() is limited to 4300 digits
