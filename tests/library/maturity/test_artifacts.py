"""Which artifacts of runs count, and what is read of them."""

from __future__ import annotations

import pytest
from library.maturity.left import leave
from modelyard.github.api import GitHubError
from modelyard.maturity.artifacts import LARGEST, read_artifacts

NAME = "acme/flights"


def read(client):
    return list(read_artifacts(client, NAME))


def test_the_newest_of_each_name_is_read_with_its_run(github, client):
    leave(github, "proof", {"prove.json": b"{}", "other.txt": b"x"}, 1)
    leave(github, "proof", {"prove.json": b'{"verdict": "identical"}'}, 3)
    leave(github, "tests-3.13", {"reports/junit.xml": b"<a/>", "coverage.xml": b"<b/>"}, 2)
    proof, tests = read(client)
    assert proof.object("prove.json") == {"verdict": "identical"}
    assert (proof.where, proof.commit) == (f"https://github.com/{NAME}/actions/runs/3", "c" * 40)
    trace = proof.trace("prove.json", "proven")
    assert (trace.automated, trace.when) == (True, "2026-04-15T05:03:00Z")
    assert tests.files == {"junit.xml": b"<a/>"}


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("proof", {"head_repository_id": 2}),  # a fork's
        ("report", {"head_repository_id": 2}),
        ("report", {"id": None}),
        ("proof", {"head_branch": "better-proof"}),
        ("tests-3.13", {"head_branch": "better-tests"}),
        ("unknown", {}),
    ],
)
def test_what_anybody_can_leave_does_not_count(github, client, name, run):
    leave(github, name, {"prove.json": b"{}", "verdict.json": b"{}", "junit.xml": b"<a/>"}, 1, **run)
    assert read(client) == []


def test_a_report_of_an_own_branch_counts_and_an_expired_one_does_not(github, client):
    leave(github, "report", {"verdict.json": b"{}"}, 1, head_branch="more-trees")
    leave(github, "monitoring", {"monitor.json": b"{}"}, 2)
    github.artifacts[1]["expired"] = True
    assert [files.files for files in read(client)] == [{"verdict.json": b"{}"}]


def test_what_is_no_zip_or_too_large_is_named(github, client):
    leave(github, "proof", {"prove.json": b" " * (LARGEST + 1)}, 1)
    with pytest.raises(GitHubError, match=r"artifacts/1/zip: prove\.json in it has more than 20,000,000 bytes"):
        read(client)
    github.artifacts[0]["content"] = b"gone"
    with pytest.raises(GitHubError, match=r"artifacts/1/zip: the answer is no zip file .*; try again"):
        read(client)


def test_a_long_report_that_is_no_object_is_named(github, client):
    leave(github, "proof", {"prove.json": b"[]"}, 4)
    (files,) = read(client)
    with pytest.raises(
        Exception, match=r"prove\.json of https://github\.com/acme/flights/actions/runs/4 holds no JSON"
    ):
        files.object("prove.json")
