"""The script that a draft is measured against: what a person writes in ten minutes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor


def script(
    frame: pd.DataFrame, target: str, time: str | None, before: np.ndarray, asked: np.ndarray, seed: int
) -> np.ndarray:
    """What it answers at the places `asked`, from the rows at the places `before`."""
    rows, wanted = frame.drop(columns=target), frame[target]
    if time:
        moment = pd.to_datetime(rows.pop(time))
        rows = rows.assign(**{f"{time} {part}": getattr(moment.dt, part) for part in ("year", "month", "day_of_week")})
    for name in rows.select_dtypes(exclude=["number", "bool"]):
        few = rows[name].nunique() <= 255  # as many as native categories may have
        rows = rows.astype({name: "category"}) if few else rows.drop(columns=name)
    regression = wanted.dtype == float or wanted.nunique() > 20
    model = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    fitted = model(random_state=seed).fit(rows.iloc[before], wanted.iloc[before])
    return fitted.predict(rows.iloc[asked]) if regression else fitted.predict_proba(rows.iloc[asked])
