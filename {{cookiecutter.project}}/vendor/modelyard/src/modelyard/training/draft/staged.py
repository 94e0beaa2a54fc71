"""Writing several files as one: all of them, or if an error occurs none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged(root: Path, files: Sequence[Path]) -> Iterator[Path]:
    """A folder with a copy of these files, which replace those under `root` at the end unless an error occurs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            if (root / file).is_file():
                shutil.copyfile(root / file, folder / file)
        yield folder
        for file in files:
            if (folder / file).is_file():
                shutil.copyfile(folder / file, root / file)
