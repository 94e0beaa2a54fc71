"""The paths of the stages' outputs, from the project's root folder; dvc.yaml names the same paths."""

from __future__ import annotations

from pathlib import Path

LEDGER = Path("data/ledger.json")
SEEN = Path("data/.seen.json")
PERIODS = Path("data/periods")
CORRECTIONS = Path("corrections")  # what people decided about labels; only where somebody has

MODEL = Path("model/model.onnx")
VALIDATION = Path("model/validation.parquet")
TRAINING = Path("model/training.json")
REFERENCE = Path("model/reference.json")
ENVIRONMENT = Path("model/environment.json")  # in Git, not in the cache: see environment.py

METRICS = Path("evaluation/metrics.json")
SLICES = Path("evaluation/slices.csv")
CALIBRATION = Path("evaluation/calibration.csv")
IMPORTANCE = Path("evaluation/importance.csv")
PREDICTIONS = Path("evaluation/predictions.parquet")

CARD = Path("docs/model-card.md")
BUNDLE = Path("bundle")
