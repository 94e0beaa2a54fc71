from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from modelyard.reporting.answered import answered
from modelyard.reporting.charts import RowCounts, Scatter
from modelyard.reporting.document import Table
from modelyard.reporting.evidence import gather
from modelyard.reporting.plots import svg
from modelyard.reporting.sections.residuals import residuals


def test_residuals_are_told_by_their_quantiles_and_drawn(made_regression):
    evidence = gather(made_regression.root)
    found = answered(evidence)
    (section,) = residuals(evidence, found)
    off = found.target - found.scores
    table, scatter, histogram = section.blocks[1:]
    assert isinstance(table, Table)
    assert [float(cell.replace(",", "")) for cell in table.lines[0][:2]] == pytest.approx(
        [off.mean(), np.quantile(off, 0.05)], abs=5e-5
    )
    assert isinstance(scatter, Scatter)
    assert isinstance(histogram, RowCounts)
    assert sum(histogram.counts) == len(off)  # what is beyond the ends is in them
    assert all(low <= middle <= high for low, middle, high in zip(*scatter.quantiles, strict=True))


@pytest.mark.parametrize("count", [1, 7])
def test_few_rows_that_are_all_right_are_drawn_too(count, made_regression):
    evidence = gather(made_regression.root)
    exact = np.arange(count, dtype=np.float64)
    (section,) = residuals(evidence, dataclasses.replace(answered(evidence), target=exact, scores=exact))
    assert all(svg(chart).startswith("<svg") for chart in section.blocks[2:])


def test_classes_and_absent_answers_have_none(made, made_regression):
    assert residuals(gather(made.root), answered(gather(made.root))) == []
    assert residuals(gather(made_regression.root), None) == []
