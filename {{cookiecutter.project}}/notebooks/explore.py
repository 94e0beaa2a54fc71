# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The data and the model at a glance
#
# This file is a notebook: Jupyter opens it through jupytext, and Git can compare it. The data comes through the
# contract, so what is seen here is what the model sees.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from modelyard.training.data.dataset import read_rows
from modelyard.training.data.validate import frame, schema
from modelyard.training.settings import read_contract, read_params

root = Path(__file__).parent.parent if "__file__" in globals() else Path.cwd().parent
contract = read_contract(root / "contract.yaml")
params = read_params(root / "params.yaml")

# %%
rows = read_rows(root, contract, params, "shipped")
data = schema(contract).validate(frame(rows.table))
print(f"{len(data):,} training rows, {rows.periods[0]} to {rows.periods[-1]}; {rows.unlabelled:,} more have no target")
print(data.describe(include="all").T.to_string())

# %% [markdown]
# ## What is missing

# %%
missing = data.isna().mean().sort_values(ascending=False)
print(missing[missing > 0].to_string(float_format="{:.1%}".format))

# %% [markdown]
# ## The target over time, and by each quantity

# %%
outcome = rows.target if contract.kind == "regression" else (rows.target == len(contract.classes) - 1)
quantities = [name for name, column in contract.inputs.items() if column.is_numeric]
shown = quantities[:8]
figure, axes = plt.subplots(len(shown) + 1, 1, figsize=(8, 3 * (len(shown) + 1)), layout="constrained", squeeze=False)

first = axes[0][0]
if contract.time:
    day = data[contract.time].to_numpy().astype("datetime64[D]")
    days, place = np.unique(day, return_inverse=True)
    first.plot(days, np.bincount(place, weights=outcome) / np.bincount(place), linewidth=0.8)
    first.set(title=f"mean of {contract.target}, day by day")
else:
    first.hist(outcome.astype(float), bins=30)
    first.set(title=contract.target)

for axis, name in zip(axes[1:, 0], shown, strict=True):
    values = rows.columns[name]
    present = ~np.isnan(values)
    edges = np.unique(np.quantile(values[present], np.linspace(0, 1, 21)))
    bins = np.clip(np.searchsorted(edges, values[present], side="right") - 1, 0, max(len(edges) - 2, 0))
    count = np.bincount(bins)
    mean = np.bincount(bins, weights=outcome[present])[count > 0] / count[count > 0]
    axis.plot(np.bincount(bins, weights=values[present])[count > 0] / count[count > 0], mean, marker="o")
    axis.set(xlabel=f"{name} ({contract.columns[name].unit or 'no unit'})", ylabel=f"mean of {contract.target}")

# %%
saved = root / "reports/explore.png"
saved.parent.mkdir(exist_ok=True)
figure.savefig(saved, dpi=100)
print(f"the figure is in {saved.relative_to(root)}")
