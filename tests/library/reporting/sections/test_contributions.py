from __future__ import annotations

from modelyard.reporting.document import to_markdown
from modelyard.reporting.sections.contributions import contributions

ROW = {"answer": 0.8123, "start": -1.5, "features": {"a|b": 2.25, "shop": -0.5}, "others": 0.0}


def test_the_contributions_to_a_row_are_listed(alone):
    alone.rewrite(alone.bundle / "manifest.json", lambda manifest: manifest["training"].update(contributions=[ROW]))
    shown = to_markdown(contributions(alone.gather()))
    assert r"| 0.8123 | -1.5000 | `a\|b` +2.2500, `shop` -0.5000 | +0.0000 |" in shown
    assert "in log-odds" in shown


def test_an_estimator_that_tells_none_has_no_section(alone):
    assert contributions(alone.gather()) == []
