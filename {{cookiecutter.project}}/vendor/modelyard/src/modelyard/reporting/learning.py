"""Whether more rows would help: the estimator fitted on growing parts of the training rows, judged on validation.

It is fitted here and not in the pipeline, because it changes no model. At most MOST rows are used, and it ends before
it takes long: the next size is left out where it would go beyond SECONDS of the processor, as if time grew with the
square of the rows.
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import numpy as np

from ..errors import ContractError
from ..markdown import number
from ..runtime.matrix import matrix
from ..runtime.project import Project
from ..training import layout
from ..training.data.blocks import read_target, rows_at
from ..training.data.dataset import Rows
from ..training.data.parts import Part
from ..training.fit import fit
from ..training.metrics import primary_loss
from ..training.settings import ModelSettings, Params, Split, read_params
from .charts import THIS, Curves
from .document import Section
from .evidence import Evidence

MOST = 10_000
SHARES = (0.125, 0.25, 0.5, 1.0)
SECONDS = 10
FEWEST = 3  # sizes of which a curve is drawn


def learning(project: Project, evidence: Evidence) -> Section | None:
    """The learning curve of the bundle's estimator, by the data here; None if that is not the bundle's."""
    try:
        params = _params(evidence)
        if params is None:
            return None
        train, validation = _sampled(evidence, params)
    except ContractError:
        return None
    points = _measure(project, evidence, params, train, validation)
    if len(points) < FEWEST:
        return None
    sizes, losses = (list(column) for column in zip(*points, strict=True))
    last = losses[-2] - losses[-1]
    words = (
        f"{evidence.primary} on {len(validation.target):,} validation rows goes from {number(losses[0])} with "
        f"{sizes[0]:,} training rows to {number(losses[-1])} with {sizes[-1]:,}; the last doubling brought "
        f"{number(last)}. The model itself learned from {evidence.this.manifest['training']['rows']:,}."
    )
    lines = {THIS: ([float(size) for size in sizes], losses)}
    chart = Curves("Learning curve", "training rows", f"{evidence.primary}, validation", lines)
    return Section("Learning curve: whether more rows would help", [chart, words], folded=True)


def _measure(
    project: Project, evidence: Evidence, params: Params, train: Rows, validation: Rows
) -> list[tuple[int, float]]:
    contract = evidence.this.contract
    table = matrix(project.features(validation.columns, contract))
    _ = project.estimators  # whose import is no part of a fit
    points: list[tuple[int, float]] = []
    spent = before = 0.0
    for share in SHARES:
        size = int(share * len(train.target))
        if spent + 4 * before > SECONDS:
            break
        start = time.process_time()
        try:
            scores = fit(project, train.take(np.arange(size)), contract, params).predict(table)
        except ContractError:  # such as a class of which so few rows have none
            continue
        loss = primary_loss(contract.kind, validation.target, scores, np.ones((1, len(scores))))
        points.append((size, float(loss[0])))
        before = time.process_time() - start
        spent += before
    return points


def _sampled(evidence: Evidence, params: Params) -> list[Rows]:
    """Some of the rows that train, and some for validation, in random order."""
    random = np.random.default_rng(params.seed)
    parts: tuple[Part, ...] = ("train", "validation")
    found = []
    for part in parts:
        where = evidence.root, evidence.this.contract, params, part
        count = len(read_target(*where)[0])
        found.append(rows_at(*where, random.permutation(count)[:MOST]))
    return found


def _params(evidence: Evidence) -> Params | None:
    """The parameters that the bundle was made with; None if the data here is another than the bundle's."""
    ledger, manifest = evidence.root / layout.LEDGER, evidence.this.manifest
    if not ledger.is_file() or json.loads(ledger.read_text(encoding="utf-8")) != manifest["data"]:
        return None
    used = manifest["params"]
    name = used["model"]["estimator"]
    return dataclasses.replace(
        read_params(evidence.root / Path("params.yaml")),
        split=Split(**used["split"]),
        model=ModelSettings(name, {name: used["model"].get(name) or {}}),
        seed=used["seed"],
        threads=used["threads"],
        period=used["period"],
    )
