"""The arguments of `make contract` as a person types them in a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

INSIDE_QUOTES = frozenset('"$`\\!')  # what means something to a shell in double quotes


def arguments(words: Sequence[str]) -> str:
    """ARGS with these words."""
    inner = shlex.join(words)
    return f"ARGS={shlex.quote(inner)}" if INSIDE_QUOTES & set(inner) else f'ARGS="{inner}"'
