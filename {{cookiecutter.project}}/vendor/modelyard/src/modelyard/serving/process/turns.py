"""A file by whose lock the workers take turns with work that needs much memory."""

from __future__ import annotations

import os
import tempfile


def turns() -> int:
    """The open file, which has no name. Open it before the workers are forked; each locks it with `fcntl.lockf`."""
    if hasattr(os, "memfd_create"):  # needs no folder that can be written
        return os.memfd_create("turns")
    with tempfile.TemporaryFile() as opened:
        return os.dup(opened.fileno())
