"""The service that tutorials build: FastAPI checks the rows, pandas holds them, a scikit-learn pipeline answers."""

from __future__ import annotations

import os
from datetime import datetime

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel


class Flight(BaseModel):
    """One row."""

    scheduled_departure: datetime
    carrier: str
    origin: str
    dest: str
    distance: int
    temp: float | None = None
    dewp: float | None = None
    humid: float | None = None
    wind_dir: float | None = None
    wind_speed: float | None = None
    wind_gust: float | None = None
    precip: float | None = None
    pressure: float | None = None
    visib: float | None = None


app = FastAPI()
pipeline = joblib.load(os.environ["MODEL"])


@app.post("/predict")
def predict(flights: list[Flight]) -> list[float]:
    """The probability that each flight leaves late."""
    frame = pd.DataFrame([flight.model_dump() for flight in flights])
    frame["hour"] = frame["scheduled_departure"].dt.hour
    frame["weekday"] = frame["scheduled_departure"].dt.weekday
    numbers = frame.columns.difference(["scheduled_departure", "carrier", "origin", "dest"])
    frame[numbers] = frame[numbers].astype(float)
    return pipeline.predict_proba(frame)[:, 1].tolist()
