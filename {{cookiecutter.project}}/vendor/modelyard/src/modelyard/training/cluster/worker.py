"""What runs in a worker of the cluster: it unpacks code and files, and then runs functions with them.

This module travels to the workers as it is, so it imports nothing of the library: a worker has the library only once
this has unpacked it. So nothing of the library has to be installed there, and its version is always the sender's.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

NAME = "modelyard"
CODE, FILES = "code", "files"


class Shipment(WorkerPlugin):
    """The code and the files of one use of the cluster, for each worker, those that start later included.

    archive: a zip of the folders `code` and `files`. start: pickled; a function that is called before the first call,
    and the arguments that come after the folder with the files.
    """

    name = NAME

    def __init__(self, archive: bytes, start: bytes) -> None:
        self.digest = hashlib.sha256(archive).hexdigest()
        self._archive, self._start = archive, start
        self._folder: Path

    def setup(self, worker: Worker) -> None:
        """Unpack on a worker that starts, or that is there already."""
        if hashlib.sha256(self._archive).hexdigest() != self.digest:
            raise ValueError("what arrived is not what was sent")
        self._folder = Path(worker.local_directory) / f"{NAME}-{self.digest[:12]}"
        zipfile.ZipFile(io.BytesIO(self._archive)).extractall(self._folder)
        self._archive = b""  # the files are enough
        sys.path.insert(0, str(self._folder / CODE))

    def teardown(self, worker: Worker) -> None:
        """Leave no rows behind."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def call(self, asked: bytes) -> Any:
        """What a function of the library returns for its arguments, both pickled."""
        if self._start:
            start, arguments = pickle.loads(self._start)  # noqa: S301 - from the cluster's own client
            start(self._folder / FILES, *arguments)
            self._start = b""
        function, arguments = pickle.loads(asked)  # noqa: S301 - as above
        return function(*arguments)


def run(digest: str, asked: bytes) -> bytes:
    """The answer of a call and None, or None and the error that it raised; pickled, so that the scheduler reads none.

    Raises nothing, as an error of the library could not be read where the library is not.
    """
    shipment: Any = get_worker().plugins.get(NAME)
    try:
        if getattr(shipment, "digest", None) != digest:
            raise RuntimeError("the worker lacks the code and the files")
        return pickle.dumps((shipment.call(asked), None))
    except Exception as error:
        try:
            return pickle.dumps((None, error))
        except Exception:  # an error of another package may hold what cannot be pickled
            return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
