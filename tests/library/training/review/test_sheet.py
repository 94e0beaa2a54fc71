"""The sheet that people fill in, and the pipeline that notices when they have."""

from __future__ import annotations

import pytest
from modelyard.errors import ContractError
from modelyard.training.edit import edit_yaml
from modelyard.training.review.sheet import columns, depend_on_reviews, write_sheet
from modelyard.training.strict_yaml import read_yaml


def test_rows_that_have_no_id_or_a_personal_one_are_refused(binary):
    edit_yaml(binary.root / "contract.yaml", {"columns": {"order": {"pii": True, "purpose": "delivery"}}})
    with pytest.raises(ContractError, match=r"order is personal data .* Git's history cannot forget it"):
        columns(binary.contract)
    edit_yaml(binary.root / "contract.yaml", {"columns": {"order": {"role": "unused"}}})
    with pytest.raises(ContractError, match="no column with role id"):
        columns(binary.contract)


def test_each_sheet_is_a_new_file_and_none_is_written_over(tmp_path):
    assert [write_sheet(tmp_path, "a\n").name for _ in range(2)] == ["review-1.csv", "review-2.csv"]
    assert write_sheet(tmp_path, "b\n", "march.csv").as_posix() == "corrections/march.csv"
    with pytest.raises(ContractError, match=r"march\.csv is there already"):
        write_sheet(tmp_path, "c\n", "march.csv")
    with pytest.raises(ContractError, match="give the name of a CSV file"):
        write_sheet(tmp_path, "c\n", "../march.csv")
    (tmp_path / "corrections/review-1.csv").unlink()
    assert write_sheet(tmp_path, "d\n").name == "review-1.csv"


def test_the_pipeline_depends_on_the_folder_once_and_keeps_the_rest(binary):
    path = binary.root / "dvc.yaml"
    before = path.read_text()
    assert depend_on_reviews(binary.root)
    after = path.read_text()
    assert [line for line in after.splitlines() if line not in before.splitlines()] == ["      - corrections"]
    assert read_yaml(path)["stages"]["ingest"]["deps"][-1] == "corrections"
    assert not depend_on_reviews(binary.root)
    assert path.read_text() == after
