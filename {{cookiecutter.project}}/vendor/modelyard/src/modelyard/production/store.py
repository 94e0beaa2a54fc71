"""Where production's files lie: a folder, ssh, S3, Google Cloud Storage or Azure, by fsspec."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ..errors import YardError
from ..extras import store_extra

PART = ".part"  # the end of a name that is not complete yet
PART_NAME = re.compile(r"\.[0-9a-f]{8}\.part$")  # as `_complete` makes it
CREDENTIALS = ("AWS_", "AZURE_", "GOOGLE_")
PASSWORD = re.compile(r"(?<=://)[^/@]*@")


class StoreError(YardError):
    """The store cannot be reached, or refused what was asked. To try again later may help."""


class Store:
    """Files below one folder or URL, by names with `/`. A file is there whole or not at all.

    Variables such as `$NAME` in the URL are taken from the environment, so that no password needs to be in a file.
    Messages show the URL without them. Raises StoreError in all methods.
    """

    def __init__(self, url: str) -> None:
        self.shown = PASSWORD.sub("", url)
        expanded = os.path.expandvars(url)
        for name in [name for name, value in os.environ.items() if not value and name.startswith(CREDENTIALS)]:
            del os.environ[name]  # a workflow passes an empty one for a secret that is not set; clients would use it
        with self._told("cannot be opened"):
            _hand_google_its_key()
            if expanded.startswith(("ssh://", "sftp://")):
                from .ssh_files import SshFiles

                parts = SshFiles._get_kwargs_from_urls(expanded)
                self._files, self._root = SshFiles(**parts), SshFiles._strip_protocol(expanded)
            elif "://" in expanded:
                self._files, self._root = fsspec.url_to_fs(expanded)
            else:
                self._files, self._root = LocalFileSystem(), str(Path(expanded).expanduser().absolute())
        self._root = self._root.rstrip("/")
        # A local disk and an ssh server have folders, and show a file while it is written
        self._has_folders = bool({"file", "sftp", "ssh"} & set(_protocols(self._files)))

    @property
    def folder(self) -> Path | None:
        """The folder, if the store is one of this machine."""
        return Path(self._root) if "file" in _protocols(self._files) else None

    def names(self, below: str = "") -> list[str]:
        """The names of all complete files below a folder, in order; none if there is no such folder."""
        place = self._place(below) if below else self._root
        with self._told("cannot be listed"):
            self._files.invalidate_cache()
            try:
                found = self._files.find(place)
            except FileNotFoundError:
                return []
        start = len(self._root) + 1
        return sorted(name[start:] for name in map(str, found) if not name.endswith(PART))

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        with self._told(f"{name} cannot be looked up"):
            self._files.invalidate_cache()
            return bool(self._files.isfile(self._place(name)))

    def size(self, name: str) -> int:
        """The bytes of a file."""
        with self._told(f"{name} cannot be looked up"):
            self._files.invalidate_cache()
            return int(self._files.info(self._place(name))["size"])

    def read(self, name: str) -> bytes:
        """The content of a file."""
        with self._told(f"{name} cannot be read"):
            content: bytes = self._files.cat_file(self._place(name))
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it."""
        with self._told(f"{name} cannot be written"), self._complete(name) as place:
            self._files.pipe_file(place, content)

    def put(self, path: Path, name: str) -> None:
        """Copy a file of this machine into the store."""
        with self._told(f"{name} cannot be written"), self._complete(name) as place:
            self._files.put_file(str(path), place)

    def get(self, name: str, path: Path) -> None:
        """Copy a file out of the store."""
        part = path.with_name(path.name + PART)
        with self._told(f"{name} cannot be read"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files.get_file(self._place(name), str(part))
            part.replace(path)

    def remove(self, name: str) -> None:
        """Remove a file; it may be gone already."""
        with self._told(f"{name} cannot be removed"):
            try:
                self._files.rm_file(self._place(name))
            except FileNotFoundError:
                return

    def remove_parts(self, older_than: float) -> int:
        """Remove what was not written whole and has not grown for so many seconds; how many files. Whoever writes one
        still, writes more often.
        """
        if not self._has_folders:
            return 0
        removed = 0
        with self._told("cannot be tidied up"):
            self._files.invalidate_cache()
            for place in map(str, self._files.find(self._root)):
                if PART_NAME.search(place):
                    with suppress(FileNotFoundError):  # it is whole now
                        age = datetime.now(UTC) - self._files.modified(place)
                        if age.total_seconds() > older_than:
                            self._files.rm_file(place)
                            removed += 1
        return removed

    def copies(self, names: list[str], cache: Path) -> list[Path]:
        """Files as local paths: those of a folder as they are, others copied into a cache, in which they stay.

        Only for files that never change under one name. Removes nothing from the cache.
        """
        if self.folder:
            return [self.folder / name for name in names]
        for name in names:
            if not (cache / name).is_file():
                self.get(name, cache / name)
        return [cache / name for name in names]

    def copy_of(self, name: str, folder: Path) -> Path:
        """A copy of a file in a folder of this machine, which may be changed."""
        path = folder / Path(name).name
        if self.folder:
            with self._told(f"{name} cannot be read"):
                shutil.copyfile(self.folder / name, path)
        else:
            self.get(name, path)
        return path

    def _place(self, name: str) -> str:
        if name.startswith("/") or ".." in name.split("/"):
            raise StoreError(f"{name} is no name of a file in the store {self.shown}")
        return f"{self._root}/{name}"

    @contextmanager
    def _complete(self, name: str) -> Iterator[str]:
        """A place to write to, which gets its name when all is written."""
        place = self._place(name)
        if not self._has_folders:  # object stores show an object when it is complete
            yield place
            return
        self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
        part = f"{place}.{secrets.token_hex(4)}{PART}"
        try:
            yield part
            if "file" in _protocols(self._files):
                os.replace(part, place)
            else:
                self._rename(part, place)
        except BaseException:
            if self._files.exists(part):
                self._files.rm_file(part)
            raise

    def _rename(self, part: str, place: str) -> None:
        """Rename on an ssh server, replacing what is there: sftp's own rename refuses that."""
        self._files.ftp.posix_rename(part, place)

    @contextmanager
    def _told(self, fault: str) -> Iterator[None]:
        """Turn each error of a file system into a StoreError: each has its own, and those of its library."""
        try:
            yield
        except YardError:
            raise
        except Exception as error:
            words = PASSWORD.sub("", str(error)) or type(error).__name__
            extra = store_extra(self.shown) if isinstance(error, ImportError) else ()
            advice = "".join(f"; in the group `dev` of pyproject.toml, add {one} beside monitor, then run "
                             "`make lock APPLY=1 setup`" for one in extra)  # fmt: skip
            raise StoreError(f"store {self.shown}: {fault}: {words}{advice}") from None


def _hand_google_its_key() -> None:
    """Let Google's client take the key of a service account from the environment, as text: it knows files only."""
    text = os.environ.get("STORE_GOOGLE_KEY")
    if not text:
        return
    try:
        key = json.loads(text)
    except ValueError:
        key = None
    if not isinstance(key, dict):
        raise StoreError("STORE_GOOGLE_KEY is not the JSON of a service account's key")
    for protocol in ("gs", "gcs"):
        fsspec.config.conf.setdefault(protocol, {})["token"] = key


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
