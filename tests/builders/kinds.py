"""All builders."""

from __future__ import annotations

from .kind import Kind
from .preparation import PREPARATION

BUILDERS: dict[str, Kind] = {**PREPARATION}
