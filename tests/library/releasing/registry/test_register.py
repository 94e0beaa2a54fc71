from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from modelyard.github.api import GitHubError
from modelyard.releasing.registry import register
from modelyard.releasing.registry.registry import faults, read_registry
from modelyard.releasing.registry.tags import read_tags

GTO = Path(sys.executable).parent / "gto"


def registry(clone):
    return read_registry(read_tags(clone.root), "flights")


def test_a_version_is_an_annotated_tag_with_all_that_is_known(clone, capsys):
    own = clone.tag("v1.0.0")
    clone.judge()
    image = f"ghcr.io/acme/flights@sha256:{'a' * 64}"
    clone.run("register", "version", "--tag", "v1.0.0", "--image", image)
    assert capsys.readouterr().out == "Register flights v1.0.0: flights@v1.0.0\n"
    tag = registry(clone).last.tag
    assert tag.annotated
    assert {key: tag.one(key) for key in tag.trailers} == {
        "Version": "v1.0.0",
        "Tag": own,
        "Bundle": "b" * 64,
        "Image": image,
        "Tagger": "Ada",
        "Verdict": "ships: all 2 rules of the policy are kept",
        "Commit": clone.git("rev-parse", "HEAD"),
        "Actor": "Ada",
        "Run": "by hand",
    }
    assert clone.git("ls-remote", "origin", "refs/tags/flights@v1.0.0").startswith(tag.object)


def test_the_pipelines_image_is_that_of_the_release(clone):
    service, pipeline = (f"ghcr.io/acme/{name}@sha256:{'a' * 64}" for name in ("flights", "flights-pipeline"))
    clone.tag("v1.0.0")
    clone.judge()
    (clone.root / "dist").mkdir()
    path = clone.root / "dist/image.txt"
    for lines in (["x"], [service], [pipeline, service], [service, "flights-pipeline"]):
        path.write_text("\n".join(line.replace("@", ":1.0.0@") for line in lines))
        with pytest.raises(GitHubError, match=r"image\.txt does not name ghcr.* is of another release, so nothing is"):
            clone.run("register", "version", "--tag", "v1.0.0", "--image", service)
    path.write_text("\n".join(line.replace("@", ":1.0.0@") for line in (service, pipeline)))
    clone.run("register", "version", "--tag", "v1.0.0", "--image", service)
    assert registry(clone).last.tag.one("Pipeline") == pipeline


def test_in_a_run_the_actor_and_the_run_are_known(clone, monkeypatch):
    clone.release("v1.0.0")
    for name, value in {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/flights",
        "GITHUB_TRIGGERING_ACTOR": "grace",
        "GITHUB_RUN_ATTEMPT": "2",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_RUN_ID", "17")
    assert register._actor_and_run(clone.root) == {
        "Actor": "grace",
        "Run": "https://github.com/acme/flights/actions/runs/17/attempts/2",
    }
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert register._tagger(clone.root)[0] == "github-actions[bot]"


def prove(clone, commit, verdict="identical"):
    content = {"verdict": verdict, "reason": "retraining gave the same bytes\nin all outputs", "commit": commit}
    (clone.root / "reports").mkdir(exist_ok=True)
    (clone.root / "reports/prove.json").write_text(json.dumps(content))


@pytest.mark.parametrize(("own", "proof"), [(True, "identical: retraining gave the same bytes"), (False, "")])
def test_the_proof_of_the_tagged_commit_is_registered(clone, own, proof):
    clone.tag("v1.0.0")
    clone.judge()
    prove(clone, clone.git("rev-parse", "HEAD") if own else "0" * 40)
    clone.run("register", "version", "--tag", "v1.0.0")
    assert registry(clone).last.tag.one("Proof") == proof
    assert faults(registry(clone)) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"commit": "COMMIT"}'])
def test_a_proof_that_is_none_is_refused(clone, text):
    clone.tag("v1.0.0")
    clone.judge()
    (clone.root / "reports/prove.json").write_text(text.replace("COMMIT", clone.git("rev-parse", "HEAD")))
    with pytest.raises(GitHubError, match=r"reports/prove\.json is not what `prove` writes .* run `make prove` again"):
        clone.run("register", "version", "--tag", "v1.0.0")
    assert registry(clone).last is None


def test_once_more_is_no_change_and_another_image_is_refused(clone, capsys):
    clone.release("v1.0.0")
    before = read_tags(clone.root)
    clone.run("register", "version", "--tag", "v1.0.0")
    assert "is registered already" in capsys.readouterr().out
    with pytest.raises(GitHubError, match=r"is registered with Image .*: a version stays what it was"):
        clone.run("register", "version", "--tag", "v1.0.0", "--image", f"example.org/flights@sha256:{'c' * 64}")
    clone.judge(bundle="c" * 64)
    with pytest.raises(GitHubError, match="is registered with Bundle"):
        clone.run("register", "version", "--tag", "v1.0.0")
    assert read_tags(clone.root) == before


def test_a_version_goes_through_the_stages_and_back(clone, capsys):
    clone.release("v1.0.0")
    clone.run("register", "stage", "staging", "--version", "v1.0.0", "--verdict", "smoke passed")
    clone.run("register", "stage", "production", "--version", "1.0.0", "--verdict", "promoted\nafter | 500 requests")
    clone.commit()
    clone.release("v1.1.0")
    clone.run("register", "stage", "production", "--version", "v1.1.0", "--verdict", "promoted")
    clone.run("register", "stage", "production", "--version", "v1.1.0", "--verdict", "promoted")
    assert "v1.1.0 is in production already: flights#production#3" in capsys.readouterr().out
    clone.run("register", "stage", "production", "--back", "--verdict", "too many errors")
    found = registry(clone)
    assert [one.tag.name for one in found.assignments] == [
        "flights#staging#1",
        "flights#production#2",
        "flights#production#3",
        "flights#production#4",
    ]
    assert found.live("production").version.tag == "v1.0.0"
    assert found.assignments[1].tag.one("Verdict") == "promoted after | 500 requests"
    assert found.assignments[3].tag.one("Image") == f"example.org/flights@sha256:{'a' * 64}"
    assert faults(found) == []


def test_what_was_not_released_is_put_into_no_stage(clone):
    with pytest.raises(GitHubError, match=r"v9\.0\.0 is not registered, so it cannot be put into .*: none"):
        clone.run("register", "stage", "production", "--version", "v9.0.0", "--verdict", "x")
    clone.release("v1.0.0")
    with pytest.raises(GitHubError, match="production had no other version before now"):
        clone.run("register", "stage", "production", "--back", "--verdict", "x")
    clone.run("register", "stage", "production", "--version", "v1.0.0", "--verdict", "x")
    with pytest.raises(GitHubError, match="had no other version before flights#production#1"):
        clone.run("register", "stage", "production", "--back", "--verdict", "x")


def test_who_registers_at_the_same_time_is_waited_for(clone, monkeypatch, capsys):
    clone.release("v1.0.0")
    pushed = register.push_tag

    def late(root, name, made, token):
        # another one takes the number between the look and the push
        monkeypatch.setattr(register, "push_tag", pushed)
        clone.git("push", "--quiet", "origin", f"{made}:refs/tags/{name}")
        other = register.make_tag(root, name, clone.git("rev-parse", "HEAD"), "Eve's\n", clone.moment, ("Eve", "e"))
        return pushed(root, name, other, token)

    monkeypatch.setattr(register, "push_tag", late)
    clone.run("register", "stage", "production", "--version", "v1.0.0", "--verdict", "x")
    assert "is in production already: flights#production#1" in capsys.readouterr().out


def test_origin_that_refuses_leaves_nothing_behind(clone):
    clone.release("v1.0.0")
    hook = clone.root.parent / "origin.git/hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'creations of this tag are restricted' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = clone.git("for-each-ref")
    with pytest.raises(GitHubError, match=r"was refused by origin: .*restricted"):
        clone.run("register", "stage", "production", "--version", "v1.0.0", "--verdict", "x")
    assert clone.git("for-each-ref") == before


def test_an_image_without_its_digest_is_refused(clone):
    clone.tag("v1.0.0")
    clone.judge()
    with pytest.raises(GitHubError, match="an image by its digest is needed"):
        clone.run("register", "version", "--tag", "v1.0.0", "--image", "ghcr.io/acme/flights:1.0.0")


def test_a_clock_that_is_behind_does_not_turn_the_order_round(clone):
    clone.release("v1.0.0")
    clone.moment -= 3600
    clone.run("register", "stage", "production", "--version", "v1.0.0", "--verdict", "x")
    assert faults(registry(clone)) == []


def test_git_must_know_who_acts(clone):
    clone.git("config", "user.email", "")
    clone.tag("v1.0.0", "HEAD", "--no-sign")
    clone.judge()
    with pytest.raises(GitHubError, match="git does not know who you are"):
        clone.run("register", "version", "--tag", "v1.0.0")


def test_gto_reads_the_registry_as_it_is_meant(clone):
    clone.release("v1.0.0")
    clone.run("register", "stage", "staging", "--version", "v1.0.0", "--verdict", "x")
    clone.moment += 60
    clone.commit()
    clone.release("v1.1.0")
    clone.run("register", "stage", "staging", "--version", "v1.1.0", "--verdict", "x")
    clone.moment += 60
    clone.run("register", "stage", "production", "--version", "v1.0.0", "--verdict", "x")
    told = subprocess.run([GTO, "show", "--repo", clone.root], capture_output=True, text=True, check=True).stdout
    row = next(line for line in told.splitlines() if "flights" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["flights", "v1.1.0", "v1.0.0", "v1.1.0"]
