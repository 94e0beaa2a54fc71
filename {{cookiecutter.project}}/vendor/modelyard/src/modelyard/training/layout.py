"""Where the stages leave what they make, from the project's root folder; dvc.yaml names the same places."""

from __future__ import annotations

from pathlib import Path

LEDGER = Path("data/ledger.json")
SEEN = Path("data/.seen.json")
PERIODS = Path("data/periods")

MODEL = Path("model/model.onnx")
TRAINING = Path("model/training.json")
REFERENCE = Path("model/reference.json")

METRICS = Path("evaluation/metrics.json")
SLICES = Path("evaluation/slices.csv")
CALIBRATION = Path("evaluation/calibration.csv")
IMPORTANCE = Path("evaluation/importance.csv")
PREDICTIONS = Path("evaluation/predictions.parquet")

CARD = Path("docs/model-card.md")
BUNDLE = Path("bundle")
