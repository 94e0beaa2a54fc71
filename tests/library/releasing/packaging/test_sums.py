from __future__ import annotations

import subprocess

import pytest
from modelyard.releasing.packaging.sums import SUMS, faults, read_sums, write_sums
from modelyard.runtime.contract import ContractError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.whl").write_bytes(b"a")
    (tmp_path / "b c.json").write_bytes(b"b")
    (tmp_path / f"{SUMS}.sig").write_text("signature")
    write_sums(tmp_path)
    return tmp_path


def test_sha256sum_reads_what_is_written(folder):
    subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, check=True, capture_output=True)
    assert read_sums(folder).keys() == {"a.whl", "b c.json"}
    assert faults(folder) == []


def test_one_byte_changed_names_the_file(folder):
    (folder / "a.whl").write_bytes(b"b")
    (fault,) = faults(folder)
    assert fault.startswith("a.whl was changed: its SHA-256 is 3e23")


def test_a_missing_and_a_further_file_are_named(folder):
    (folder / "a.whl").unlink()
    (folder / "d.txt").touch()
    assert faults(folder) == ["a.whl is missing", f"d.txt does not belong to this release: {SUMS} does not name it"]


@pytest.mark.parametrize("line", ["what", f"{'0' * 64}  ../outside", f"{'0' * 63}  a.whl"])
def test_a_line_of_another_form_is_named(folder, line):
    with (folder / SUMS).open("a") as opened:
        opened.write(f"{line}\n")
    with pytest.raises(ContractError, match="SHA256SUMS line 3 is "):
        faults(folder)


def test_without_sums_nothing_can_be_said(tmp_path):
    with pytest.raises(ContractError, match="SHA256SUMS is missing"):
        faults(tmp_path)
