"""Make a key with which a caller is known to the service; it is shown once, and the file holds its hash only.

A key is 256 random bits, so its SHA-256 cannot be searched for: a slow hash (bcrypt, argon2) protects secrets that a
person has thought of, and would cost each request milliseconds here.
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
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, get_args

import msgspec

from ...command import run
from ...runtime.contract import ContractError

Role = Literal["predict", "read", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)
LOOK_EVERY = 1.0  # seconds

_log = logging.getLogger(__name__)


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that the service takes: whose it is, what it may do, and the SHA-256 of it in hexadecimal digits."""

    name: str
    roles: list[Role]
    sha256: str


class _Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: list[Key]


def read_keys(path: Path) -> list[Key]:
    """The keys of a file. Raises ContractError where it cannot be read or is not as `Key` says; no value is named."""
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
    """The keys of a file, taken again when the file has changed.

    It is looked at once a second at most. What has become unreadable is said in the log, once, and the keys from
    before stay, so that a slip in an editor shuts nobody out.

    Raises ContractError where the file cannot be read at the start.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._seen, self._looked = stamp(path), clock()
        self._keys = _by_hash(read_keys(path))

    def find(self, given: bytes) -> Key | None:
        """The entry of a key that a caller gave, or None."""
        if self._clock() - self._looked >= LOOK_EVERY:
            self._look()
        digest = hashlib.sha256(given).hexdigest()
        found = self._keys.get(digest)
        # the table is keyed by the hash, whose digits nobody can choose; the comparison takes the same time for any
        return found if found is not None and hmac.compare_digest(found.sha256, digest) else None

    def _look(self) -> None:
        self._looked = self._clock()
        if (found := stamp(self._path)) == self._seen:
            return
        self._seen = found
        try:
            self._keys = _by_hash(read_keys(self._path))
        except ContractError as error:
            _log.error("the keys from before stay in use: %s", error)
        else:
            _log.warning("%s: %d keys are in use from now on", self._path, len(self._keys))


def _by_hash(keys: Iterable[Key]) -> dict[str, Key]:
    return {key.sha256: key for key in keys}


def stamp(path: Path) -> tuple[int, ...] | None:
    """What changes when a file does; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def add(path: Path, name: str, roles: list[Role], replace: bool = False) -> str:
    """A new key for a caller, whose hash is added to the file; with `replace`, the caller's other keys are removed.

    Without it they stay, so that a caller can move from one to the other. Raises ContractError for a name or a file
    that is not as it must be.
    """
    if not NAME.fullmatch(name):
        raise ContractError(f"{name!r} is no name for a caller: take up to 64 letters, digits, '.', '_' or '-'")
    made = f"key_{secrets.token_urlsafe(32)}"
    with _locked(path):
        kept = [key for key in _read_if_there(path) if not (replace and key.name == name)]
        _write(path, [*kept, Key(name, roles, hashlib.sha256(made.encode()).hexdigest())])
    return made


def revoke(path: Path, name: str) -> int:
    """How many keys a caller had, which are all removed from the file. Raises ContractError where there are none."""
    with _locked(path):
        keys = read_keys(path)
        kept = [key for key in keys if key.name != name]
        if len(kept) == len(keys):
            known = ", ".join(sorted({key.name for key in keys})) or "nobody"
            raise ContractError(f"{path}: {name!r} has no key; those who have one: {known}")
        _write(path, kept)
    return len(keys) - len(kept)


def _read_if_there(path: Path) -> list[Key]:
    return read_keys(path) if path.exists() else []


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep others who change the file waiting."""
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
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # its mode is 0600
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        Path(made).replace(path)
    except OSError as error:
        with contextlib.suppress(OSError, UnboundLocalError):
            os.unlink(made)
        raise ContractError(f"{path}: the keys cannot be written, and are as they were: {error.strerror}") from None


def _roles(text: str) -> list[Role]:
    given = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if wrong := [role for role in given if role not in ROLES]:
        raise argparse.ArgumentTypeError(f"{', '.join(map(repr, wrong))}: the roles are {', '.join(ROLES)}")
    return [role for role in ROLES if role in given]


def main(arguments: list[str] | None = None) -> None:
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
    given = parser.parse_args(arguments)
    if given.revoke:
        print(f"{revoke(given.file, given.name)} keys of {given.name} removed from {given.file}")
        return
    made = add(given.file, given.name, given.roles, given.replace)
    print(f"the hash is in {given.file}; this is the key, shown only now:", file=sys.stderr)
    print(made)


if __name__ == "__main__":
    run(main)
