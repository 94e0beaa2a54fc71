"""Create a key that identifies a caller to the service; it is shown once, and the file holds its hash only.

A key is 256 random bits, so it cannot be found from its SHA-256 by search. A slow hash (bcrypt, argon2) is for secrets
that people choose, and would cost each request milliseconds here.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import hmac
import logging
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from ...errors import ContractError
from ...runtime.project import Project

Role = Literal["predict", "read", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)
LOOK_EVERY = 1.0  # seconds

_log = logging.getLogger(__name__)


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An accepted key: its caller, the caller's roles, and its SHA-256 in hexadecimal digits."""

    name: str
    roles: list[Role]
    sha256: str


class _Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[Key]


def read_keys(path: Path) -> list[Key]:
    """The keys of a file. Raises ContractError, without any value, if it cannot be read or is not valid."""
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=_Keys).keys
    except OSError as error:
        raise ContractError(f"{path}: the keys cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: {error}; `key NAME --file {path}` writes such a file") from None
    for place, key in enumerate(keys):
        if not NAME.fullmatch(key.name):
            raise ContractError(f"{path}: keys[{place}].name must be up to 64 letters, digits, '.', '_' or '-'")
        if not re.fullmatch("[0-9a-f]{64}", key.sha256):
            raise ContractError(f"{path}: keys[{place}].sha256 must be 64 hexadecimal digits: the hash, not the key")
    if len({key.sha256 for key in keys}) != len(keys):
        raise ContractError(f"{path}: two entries have the same sha256; a key must have one caller")
    return keys


class KeyFile:
    """The keys of a file, read again when the file changes.

    The file is checked at most once a second. If it has become invalid, this is logged once and the old keys stay in
    use, so that an editing error locks nobody out.

    Raises ContractError if the file cannot be read at the start.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._stamp, self._looked = stamp(path), clock()
        self._keys = _by_hash(read_keys(path))

    def find(self, secret: bytes) -> Key | None:
        """The entry of the key that a caller sent, or None."""
        if self._clock() - self._looked >= LOOK_EVERY:
            self._look()
        digest = hashlib.sha256(secret).hexdigest()
        key = self._keys.get(digest)
        # the table is keyed by the hash, which nobody can choose; the comparison takes constant time
        return key if key is not None and hmac.compare_digest(key.sha256, digest) else None

    def _look(self) -> None:
        self._looked = self._clock()
        if (now := stamp(self._path)) == self._stamp:
            return
        self._stamp = now
        try:
            self._keys = _by_hash(read_keys(self._path))
        except ContractError as error:
            _log.error("the keys from before stay in use: %s", error)
        else:
            _log.warning("%s: %d keys are in use from now on", self._path, len(self._keys))


def _by_hash(keys: Iterable[Key]) -> dict[str, Key]:
    return {key.sha256: key for key in keys}


def stamp(path: Path) -> tuple[int, ...] | None:
    """A value that changes when the file changes; None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def add(path: Path, name: str, roles: list[Role], replace: bool = False) -> str:
    """Create a key for a caller and add its hash to the file; `replace` removes the caller's other keys.

    Without `replace` they stay, so that the caller can change over. Raises ContractError for an invalid name or file.
    """
    if not NAME.fullmatch(name):
        raise ContractError(f"{name!r} is no name for a caller: take up to 64 letters, digits, '.', '_' or '-'")
    secret = f"key_{secrets.token_urlsafe(32)}"
    with _locked(path):
        remaining = [key for key in _read_or_empty(path) if not (replace and key.name == name)]
        _write(path, [*remaining, Key(name, roles, hashlib.sha256(secret.encode()).hexdigest())])
    return secret


def revoke(path: Path, name: str) -> int:
    """Remove all keys of a caller from the file; return their number. Raises ContractError if there are none."""
    with _locked(path):
        keys = read_keys(path)
        remaining = [key for key in keys if key.name != name]
        if len(remaining) == len(keys):
            names = ", ".join(sorted({key.name for key in keys})) or "nobody"
            raise ContractError(f"{path}: {name!r} has no key; those who have one: {names}")
        _write(path, remaining)
    return len(keys) - len(remaining)


def _read_or_empty(path: Path) -> list[Key]:
    return read_keys(path) if path.exists() else []


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, so that other writers of the file wait."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise ContractError(f"{path.parent}: the folder of the keys cannot be opened: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, keys: list[Key]) -> None:
    """Replace the file in one step, readable by its owner only."""
    content = msgspec.json.format(msgspec.json.encode(_Keys(keys)), indent=1) + b"\n"
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # its mode is 0600
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError, UnboundLocalError):
            os.unlink(temporary)
        raise ContractError(f"{path}: the keys cannot be written, and are as they were: {error.strerror}") from None


def _roles(text: str) -> list[Role]:
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if unknown := [role for role in names if role not in ROLES]:
        raise argparse.ArgumentTypeError(f"{', '.join(map(repr, unknown))}: the roles are {', '.join(ROLES)}")
    return [role for role in ROLES if role in names]


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `key`."""
    parser = argparse.ArgumentParser(
        prog="key", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="who will use it")
    parser.add_argument("--roles", type=_roles, default=["predict"], help=f"of {', '.join(ROLES)} (predict)")
    parser.add_argument(
        "--file", type=Path, default=Path("keys.json"), help="`access.keys` of serving.json (keys.json)"
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--replace", action="store_true", help="remove the caller's other keys")
    only.add_argument("--revoke", action="store_true", help="remove all keys of the caller, and make none")
    options = parser.parse_args(arguments)
    if options.revoke:
        print(f"{revoke(options.file, options.name)} keys of {options.name} removed from {options.file}")
        return
    secret = add(options.file, options.name, options.roles, options.replace)
    print(f"the hash is in {options.file}; this is the key, shown only now:", file=sys.stderr)
    print(secret)
