"""What `resolve` brings an output to before the pipeline runs, and how what a merge left is recognised."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from modelyard.errors import YardError
from modelyard.judging.unmerged import check_merged, find_unmerged
from modelyard.proving.resolve import main, merge_ledgers, whole

LOCK = "dvc.lock"


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.invalid", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=check).stdout


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "all")


@pytest.fixture
def merging(tmp_path, monkeypatch) -> Path:
    """A repository in the middle of a merge, in which one stands: `ours` changed the same line as `theirs`."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "ours")
    write(tmp_path, dvc_lock="model: first\n", params_yaml="seed: 1\n", README_md="one\n")
    git(tmp_path, "checkout", "--quiet", "-b", "theirs")
    write(tmp_path, dvc_lock="model: theirs\n")
    git(tmp_path, "checkout", "--quiet", "ours")
    write(tmp_path, dvc_lock="model: ours\n")
    git(tmp_path, "merge", "theirs", check=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ledger(source: str = "s", **periods: str) -> str:
    entries = {period: {"rows": 1, "sha256": sha} for period, sha in periods.items()}
    return json.dumps({"source": source, "periods": entries}, indent=1) + "\n"


def test_an_output_becomes_what_it_was_on_the_branch_here(merging):
    assert whole(merging, LOCK, find_unmerged()) == b"model: ours\n"


def test_markers_that_were_added_or_committed_are_found_too(merging):
    for end in ("add", "commit"):
        git(merging, "add", "--all")
        if end == "commit":
            git(merging, "commit", "--quiet", "-m", "with markers")
        found = find_unmerged()
        assert (found.outputs, found.written, found.blobs) == ([LOCK], [], {})
        assert whole(merging, LOCK, found) == b"model: ours\n"
        with pytest.raises(YardError, match=r"a merge left two versions of dvc\.lock\. .* run `make resolve`"):
            check_merged()


def test_markers_in_the_settings_are_found_before_their_yaml_is_read(merging):
    git(merging, "merge", "--abort")
    (merging / "params.yaml").write_text("<<<<<<< HEAD\nseed: 1\n=======\nseed: 2\n>>>>>>> theirs\n")
    with pytest.raises(YardError, match=r"two versions of params\.yaml.*`git add params\.yaml`"):
        check_merged()


def test_a_text_that_only_a_person_reads_hinders_no_command_but_is_to_be_resolved_first(merging):
    (merging / LOCK).write_text("model: ours\n")
    git(merging, "add", "--all")
    git(merging, "commit", "--quiet", "-m", "merged")
    git(merging, "checkout", "--quiet", "-b", "more", "HEAD^1")
    write(merging, README_md="two\n")
    git(merging, "checkout", "--quiet", "ours")
    write(merging, README_md="three\n")
    git(merging, "merge", "more", check=False)
    check_merged()
    with pytest.raises(YardError, match=r"README\.md, which are not made by the pipeline, so nothing is changed"):
        main([])


def test_a_file_without_markers_is_two_versions_until_it_is_added(merging):
    (merging / LOCK).write_text("model: ours\n")
    with pytest.raises(YardError, match=r"run `make resolve`"):
        check_merged()


def test_what_a_person_wrote_is_named_first_and_nothing_is_changed(merging):
    git(merging, "merge", "--abort")
    for branch in ("theirs", "ours"):
        git(merging, "checkout", "--quiet", branch)
        write(merging, params_yaml=f"seed: {len(branch)}\n")
    git(merging, "merge", "theirs", check=False)
    before = {name: (merging / name).read_bytes() for name in (LOCK, "params.yaml")}
    with pytest.raises(YardError, match=r"of params\.yaml, .* `git add params\.yaml`, then run `make resolve` again"):
        main([])
    said = r"of .*, and of dvc\.lock, which the pipeline makes\. Edit params\.yaml until .* `git add params\.yaml`"
    with pytest.raises(YardError, match=rf"{said}\. Then run `make resolve`, which makes the others anew"):
        check_merged()
    assert {name: (merging / name).read_bytes() for name in before} == before


def test_no_output_is_among_the_files_to_edit(merging):
    git(merging, "merge", "--abort")
    for branch in ("theirs", "ours"):
        git(merging, "checkout", "--quiet", branch)
        write(merging, params_yaml=f"seed: {len(branch)}\n", uv_lock=branch, evaluation__metrics_json=branch)
    git(merging, "merge", "theirs", check=False)
    with pytest.raises(YardError) as raised:
        check_merged()
    steps = str(raised.value).partition("Edit ")[2]
    assert steps.startswith("params.yaml, uv.lock until each is as you want it, or run `git checkout HEAD -- uv.lock`")
    assert "`git add params.yaml uv.lock`" in steps
    assert not any(name in steps for name in find_unmerged().outputs)


def test_without_a_conflict_there_is_nothing_to_resolve(merging):
    git(merging, "merge", "--abort")
    check_merged()
    main(["--check"])
    with pytest.raises(YardError, match="no output has two versions; `make pipeline`"):
        main([])


def test_the_check_leaves_for_the_report_why_the_pipeline_did_not_run(merging):
    refusal = merging / "reports/refusal.json"
    with pytest.raises(YardError):
        main(["--check"])
    assert "run `make resolve`" in json.loads(refusal.read_text())["message"]
    git(merging, "merge", "--abort")
    main(["--check"])
    assert not refusal.exists()


def test_a_pipeline_that_fails_leaves_the_merge_as_it_was(merging):
    with pytest.raises(YardError, match="the pipeline failed, see above"):  # there is no dvc.yaml
        main([])
    assert find_unmerged().outputs == [LOCK]
    git(merging, "merge", "--abort")
    assert git(merging, "status", "--porcelain") == ""


def test_of_the_ledger_the_periods_of_both_sides_are_kept():
    base, ours = ledger(a="1", b="1", c="1"), ledger(a="2", b="1", d="1")
    theirs = ledger(a="1", b="3", c="1", e="1")
    assert merge_ledgers(base, ours, theirs) == ledger(a="2", b="3", d="1", e="1")


def test_of_a_period_that_both_changed_ours_is_kept_and_of_another_source_nothing():
    assert merge_ledgers(ledger(a="1"), ledger(a="2"), ledger(a="3")) == ledger(a="2")
    ours = ledger("t", a="2")
    assert merge_ledgers(ledger(a="1"), ours, ledger(a="1", b="1")) == ours


def test_where_no_commit_has_it_whole_it_is_said(tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet")
    write(tmp_path, dvc_lock="<<<<<<< HEAD\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(YardError, match=r"dvc\.lock has Git's conflict markers in the last commits too"):
        main([])


def test_a_failure_of_dvc_is_noted_unless_a_stage_has_said_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refusal = tmp_path / "reports/refusal.json"
    main(["--stopped"])
    assert json.loads(refusal.read_text())["stage"] == "dvc"
    refusal.write_text('{"stage": "train", "message": "why"}')
    main(["--stopped"])
    assert "why" in refusal.read_text()
