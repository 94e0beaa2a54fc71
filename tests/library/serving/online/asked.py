"""What is served with an online store, and what came of it."""

from __future__ import annotations

from modelyard.serving.config import Config, ModelConfig
from modelyard.training.edit import edit_yaml
from modelyard.training.materialize import main as materialize


def config(shop, store="online.sqlite"):
    return Config({"shop": ModelConfig(str(shop.root / "bundle"), online=str(store))})


def looked_up(app, feature, outcome):
    """How many values of a feature had this outcome."""
    lines = app.get("/metrics").body.decode().splitlines()
    named = [line for line in lines if line.startswith("modelyard_online_values_total{") and f'"{feature}"' in line]
    return sum(float(line.split()[-1]) for line in named if f'"{outcome}"' in line)


def predictions(answer):
    return [one["prediction"] for one in answer.json()["predictions"]]


def write_csv(rows, path):
    """Write rows as CSV; the path."""
    names = list(rows[0])
    text = [",".join(names), *(",".join("" if row[name] is None else str(row[name]) for name in names) for row in rows)]
    path.write_text("\n".join(text) + "\n")
    return path


def scores_of(text):
    """The predictions in what `score` writes as CSV."""
    head, *lines = text.splitlines()
    place = head.split(",").index("prediction")
    return [float(line.split(",")[place]) for line in lines]


def write_redefined(shop, where):
    """Write a store with another definition of a feature than the bundle's."""
    before = (shop.root / "contract.yaml").read_text()
    try:
        edit_yaml(shop.root / "contract.yaml", {"features": {"refunds": {"window": "2d"}}})
        materialize(["--to", str(where)], shop.project)
    finally:
        (shop.root / "contract.yaml").write_text(before)
