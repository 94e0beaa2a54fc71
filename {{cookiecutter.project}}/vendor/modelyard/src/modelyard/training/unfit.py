"""Why an estimator refuses features, in words for whoever wrote features.py."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def unfit(features: Mapping[str, NDArray]) -> str | None:
    """What it is about features that an estimator may refuse them for: infinite values, or no value at all."""
    infinite = [f"{name!r} in {count:,}" for name, values in features.items()
                if (count := np.count_nonzero(np.isinf(values)))]  # fmt: skip
    if infinite:
        rows = len(next(iter(features.values())))
        return (
            f"features.py: {', '.join(infinite[:3])} of {rows:,} rows is infinite, which this estimator refuses; give "
            "NaN where there is no number"
        )
    empty = [repr(name) for name, values in features.items() if values.dtype.kind == "f" and np.isnan(values).all()]
    if empty:
        return (
            f"features.py: {', '.join(empty[:3])} has no value in any of these rows, which this estimator refuses; "
            "leave it out, or train on more periods (split.window)"
        )
    return None
