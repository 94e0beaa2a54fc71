"""The error for a column that a person named and the source does not have."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ...errors import ContractError


def no_such_column(name: str, names: Sequence[str]) -> ContractError:
    """The error, with the column that may be meant, or else with all of them."""
    alike = [other for other in names if other.strip().casefold() == name.strip().casefold()]
    alike = alike or difflib.get_close_matches(name, names, 1)
    told = f"did you mean {' or '.join(map(repr, alike))}? " if alike else ""
    return ContractError(f"the source has no column {name!r}; {told}it has: {', '.join(map(repr, names))}")
