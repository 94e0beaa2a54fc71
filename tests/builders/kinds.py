"""All builders."""

from __future__ import annotations

from .kind import Kind
from .models import MODELS
from .preparation import PREPARATION

BUILDERS: dict[str, Kind] = {**MODELS, **PREPARATION}
