"""Run with the project's Python in its root folder: fit the model of the tutorial on the project's data.

A scikit-learn pipeline from a DataFrame to probabilities, with the project's settings, as joblib keeps it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = [
    *("distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"),
    *("hour", "weekday"),
]


def main(target: Path) -> None:
    """Fit, and write to a file."""
    flights = pd.concat(pd.read_parquet(path) for path in sorted(Path("data/periods").glob("*.parquet"))[:-2])
    flights = flights[flights["late"].notna()]
    departure = pd.to_datetime(flights["scheduled_departure"])
    flights = flights.assign(hour=departure.dt.hour, weekday=departure.dt.weekday)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = ColumnTransformer([("categories", encoder, CATEGORIES), ("numbers", "passthrough", NUMBERS)])
    model = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=31, min_samples_leaf=100, l2_regularization=1.0)
    pipeline = make_pipeline(prepare, model)
    pipeline.fit(flights, flights["late"].astype(bool))
    joblib.dump(pipeline, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
