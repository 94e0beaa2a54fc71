"""LightGBM for a project's `model.py`: a builder that pins what must be, and refuses settings that there are not.

It needs the package `lightgbm`, which only a project that uses it installs.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from ..errors import ContractError
from .estimators import Inputs

try:
    from lightgbm import LGBMClassifier, LGBMRegressor
    from lightgbm.basic import _ConfigAliases
except ImportError:
    raise ContractError(
        "model.py imports LightGBM, which is not installed; add it with `uv add --optional train 'lightgbm>=4.6,<5'`"
    ) from None


def lightgbm(inputs: Inputs, **settings: Any) -> BaseEstimator:
    """Gradient boosting by LightGBM (Ke et al., 2017), with categories as they are.

    settings: of `LGBMClassifier` and `LGBMRegressor`, or LightGBM's own.
    """
    kind = LGBMRegressor if inputs.regression else LGBMClassifier
    fixed: dict[str, Any] = {
        "random_state": inputs.seed,
        "n_jobs": inputs.threads,
        "deterministic": True,
        "force_row_wise": True,  # else LightGBM tries which is faster, and that changes from run to run
    }
    if inputs.categories:
        fixed["categorical_column"] = inputs.categories  # an alias, because at categorical_feature LightGBM warns
    aliases = _ConfigAliases._get_all_param_aliases()
    known = {*kind().get_params(), *aliases, *(alias for others in aliases.values() for alias in others)}
    if unknown := settings.keys() - known:  # LightGBM only warns
        raise TypeError(f"LightGBM has no setting {min(unknown)!r}")
    return kind(**fixed, **({"verbose": -1} | settings))
