"""Run with the project's Python in its root folder: all that `dvc repro` runs, as one plain script in one process."""

from __future__ import annotations

from pathlib import Path

from modelyard.training.bundle import bundle
from modelyard.training.evaluate import evaluate
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_contract, read_params
from modelyard.training.train import train

from flight_delays import project


def main() -> None:
    """From the sample to the bundle."""
    root, contract, params = Path(), read_contract(), read_params()
    print("\n".join(ingest(root, contract, params)))
    train(project, root, contract, params)
    metrics = evaluate(project, root, contract, params)
    print(f"log loss {metrics['holdout']['log_loss']['value']:.4f}")
    print(f"bundle {bundle(project, root, contract, params)[:12]}")


if __name__ == "__main__":
    main()
