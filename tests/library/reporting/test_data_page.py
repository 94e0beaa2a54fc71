"""The profile that a draft leaves, and its page."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from modelyard.reporting.data_page import PAGE, sections, write_data_page
from modelyard.reporting.document import to_markdown
from modelyard.runtime.column import Column
from modelyard.runtime.contract import Contract
from modelyard.training.draft.profile import PROFILE, write_profile

COLUMNS = {
    "order": Column("string", "id", ""),
    "at": Column("timestamp", "time", ""),
    "amount": Column("number", "feature", "", unit="EUR", missing=True),
    "shop": Column("string", "feature", "", values=["north", "so|uth"]),
    "born": Column("integer", "feature", "", pii=True, purpose="to tell their age"),
    "stock": Column("integer", "feature", ""),
    "remark": Column("string", "unused", "", missing=True),
    "late": Column("boolean", "target", ""),
}
SHOP = Contract("shop <b>", "", "", COLUMNS)
TABLE = pa.table(
    {
        "order": [f"secret-{number}" for number in range(200)],
        "at": pa.array(np.datetime64("2026-01-01", "us") + np.arange(200) * np.timedelta64(1, "D")),
        "amount": [None if number < 50 else float(number) for number in range(200)],
        "shop": ["north"] * 150 + ["so|uth"] * 50,
        "born": [1961] * 200,
        "stock": [5] * 200,
        "remark": pa.array([None] * 200, pa.string()),
        "late": [number % 4 == 0 for number in range(200)],
    }
)


@pytest.fixture
def profile(tmp_path):
    write_profile(tmp_path, TABLE, SHOP)
    return json.loads((tmp_path / PROFILE).read_text())


def test_each_column_is_told_by_what_it_holds(profile):
    shown = to_markdown(sections(profile))
    assert "200 rows of 8 columns, of which 2 have missing values. Predicted is `late`." in shown
    for line in (
        "| `late` | target | boolean | 0.0 % | 2 | `False` 75.0 %, `True` 25.0 % |",
        "| `at` | time | timestamp | 0.0 % | 200 | 2026-01-01 to 2026-07-19, median 2026-04-10 |",
        "| `amount` | feature | number, EUR | 25.0 % | 150 | 50 to 199, median 124.5 |",
        r"| `shop` | feature | string | 0.0 % | 2 | `north` 75.0 %, `so\|uth` 25.0 % |",
        "| `stock` | feature | integer | 0.0 % | 1 | always 5 |",
        "| `remark` | unused | string | 100.0 % | 0 | - |",
    ):
        assert line in shown


def test_ids_and_personal_data_are_in_no_file(profile):
    written = json.dumps(profile)
    assert "secret" not in written
    assert "1961" not in written
    assert profile["columns"]["born"] == {
        "role": "feature", "type": "integer", "unit": None, "missing": 0.0, "different": 1
    }  # fmt: skip


def test_a_histogram_counts_every_present_row(profile):
    for name in ("at", "amount"):
        drawn = profile["columns"][name]["distribution"]
        assert sum(drawn["shares"]) == pytest.approx(1)
        assert len(drawn["edges"]) == len(drawn["shares"]) + 1
    assert "distribution" not in profile["columns"]["stock"]


@pytest.mark.usefixtures("profile")
def test_the_page_draws_them_and_holds_no_markup_of_the_data(tmp_path):
    assert write_data_page(tmp_path) == PAGE
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert page.count("<svg") == 4  # late, at, amount, shop
    assert "shop <b>" not in page
    assert "<script" not in page


def test_without_a_profile_there_is_no_page(tmp_path):
    assert write_data_page(tmp_path) is None
