from __future__ import annotations

from modelyard.judging.lock import Lock
from modelyard.proving.outdated import outdated, torn
from modelyard.proving.tolerance import Difference

LOCK = Lock(
    {
        "ingest": {"cmd": "run ingest", "outs": [{"path": "data", "md5": "a"}]},
        "train": {
            "cmd": "run train",
            "deps": [{"path": "data", "md5": "a"}, {"path": "own.py", "md5": "b"}],
            "params": {"params.yaml": {"model": {"rate": 0.1}}, "vendor/yard.json": {"train": "1234"}},
            "outs": [{"path": "model", "md5": "c"}],
        },
    }
)


def test_a_commit_that_has_what_the_lock_was_made_from_has_no_differences(tmp_path):
    assert outdated(LOCK, {}, tmp_path) == []
    assert torn(LOCK) == []


def test_a_parameter_is_named_by_its_file_and_its_key(tmp_path):
    (tmp_path / "params.yaml").write_text("model: {rate: 0.2}\n")
    status = {"train": [{"changed deps": {"params.yaml": {"model": "modified"}}}]}
    assert outdated(LOCK, status, tmp_path) == [Difference("params.yaml: model.rate", 0.1, 0.2)]


def test_a_file_of_parameters_that_is_gone_has_nothing(tmp_path):
    status = {"train": [{"changed deps": {"vendor/yard.json": {"train": "deleted"}}}]}
    assert outdated(LOCK, status, tmp_path) == [Difference("vendor/yard.json: train", "1234", None)]


def test_code_that_changed_is_named_once_and_what_the_pipeline_makes_is_left_out(tmp_path):
    changed = {"changed deps": {"own.py": "modified", "data": "deleted", "model": "modified"}}
    status = {"train": [changed, changed]}
    assert outdated(LOCK, status, tmp_path) == [Difference("own.py", "b", "another version")]


def test_another_command_and_a_stage_that_the_lock_does_not_know_are_named(tmp_path):
    status = {"train": ["changed command"], "more": ["changed command"]}
    assert [one.where for one in outdated(LOCK, status, tmp_path)] == ["dvc.yaml: train.cmd", "dvc.yaml: more"]


def test_a_file_under_dvc_is_no_stage_and_the_stage_that_reads_it_tells_of_another_version(tmp_path):
    tracked = {"rows/own.csv.dvc": [{"changed outs": {"rows/own.csv": "not in cache"}}], "b.dvc": ["always changed"]}
    assert outdated(LOCK, tracked, tmp_path) == []
    status = tracked | {"train": [{"changed deps": {"own.py": "modified"}}]}
    assert outdated(LOCK, status, tmp_path) == [Difference("own.py", "b", "another version")]


def test_a_lock_of_two_runs_is_torn_where_they_meet():
    other = Lock(LOCK.stages | {"ingest": {"cmd": "run ingest", "outs": [{"path": "data", "md5": "other"}]}})
    assert torn(other) == [Difference("dvc.lock: train: data", "a", "other")]
