"""Run with the project's Python in its root folder: all that `dvc repro` runs, as one plain script in one process."""

from __future__ import annotations

from pathlib import Path

from flight_delays.pipeline.bundle import bundle
from flight_delays.pipeline.evaluate import evaluate
from flight_delays.pipeline.ingest import ingest
from flight_delays.pipeline.settings import read_contract, read_params
from flight_delays.pipeline.train import train


def main() -> None:
    """From the sample to the bundle."""
    root, contract, params = Path(), read_contract(), read_params()
    print("\n".join(ingest(root, contract, params)))
    train(root, contract, params)
    metrics = evaluate(root, contract, params)
    print(f"log loss {metrics['holdout']['log_loss']['value']:.4f}")
    print(f"bundle {bundle(root, contract, params)[:12]}")


if __name__ == "__main__":
    main()
