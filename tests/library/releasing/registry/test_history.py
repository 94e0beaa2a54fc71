from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
from datetime import UTC, datetime

import pytest
from modelyard.github.api import GitHubError
from modelyard.releasing.registry.history import read_time
from modelyard.releasing.registry.registry import faults, read_registry
from modelyard.releasing.registry.tags import make_tag, message_of, read_tags

HOUR = 3600


def told(clone, capsys, *arguments: str) -> dict:
    """The history as JSON, of tags that are as they were made."""
    capsys.readouterr()
    clone.run("history", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


def assign(clone, stage: str, version: str, verdict: str = "promoted") -> None:
    clone.run("register", "stage", stage, "--version", version, "--verdict", verdict)


def iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


@pytest.fixture(scope="session")
def twenty(new_clone, tmp_path_factory):
    """A clone with five releases and twenty promotions and rollbacks; what was live when, as the script knows it."""
    clone = new_clone(tmp_path_factory.mktemp("twenty") / "at")
    draw = random.Random(4)  # noqa: S311 - a script
    versions, truth, live = [], [], {}
    for number in range(20):
        clone.moment += draw.randrange(1, 100) * HOUR
        if number in (0, 1, 5, 10, 15):
            clone.commit()
            versions.append(f"v1.{len(versions)}.0")
            clone.release(versions[-1])
            clone.moment += 60
        open_to = [(stage, one) for stage in ("staging", "production") for one in versions if one != live.get(stage)]
        stage, version = draw.choice(open_to)
        assign(clone, stage, version, f"decision {number}")
        live[stage] = version
        truth.append((clone.moment, dict(live), f"decision {number}"))
    return clone, truth


def test_what_was_live_is_right_at_every_date(twenty, capsys):
    clone, truth = twenty
    assert told(clone, capsys, "--at", iso(truth[0][0] - 1))["live"] == dict.fromkeys(("production", "staging"))
    ends = [moment for moment, _, _ in truth[1:]] + [truth[-1][0] + 10**8]
    for (moment, live, verdict), end in zip(truth, ends, strict=True):
        for at in (moment, (moment + end) // 2, end - 1):
            found = told(clone, capsys, "--at", iso(at))
            shown = {stage: one["version"] for stage, one in found["live"].items() if one}
            assert shown == live, iso(at)
            assert found["assignments"][-1]["verdict"] == verdict
            assert found["faults"] == []
    assert len(told(clone, capsys)["assignments"]) == 20


def test_each_assignment_says_who_by_which_run_and_why(twenty, capsys):
    clone, _ = twenty
    found = told(clone, capsys, "--stage", "production")
    assert set(found["live"]) == {"production"}
    last = found["assignments"][-1]
    assert last == found["live"]["production"]
    assert (last["actor"], last["run"], last["stage"]) == ("Ada", "by hand", "production")
    assert last["image"].startswith("example.org/flights@sha256:")
    assert len(last["bundle"]) == 64
    assert last["commit"] == clone.git("rev-parse", f"{last['version']}^{{commit}}")


def test_a_person_reads_it_as_a_table(clone, capsys):
    clone.release("v1.0.0")
    clone.run("history")
    assert "No version was ever put into a stage." in capsys.readouterr().out
    assign(clone, "production", "v1.0.0", "kept | by @all")
    clone.commit()
    clone.tag("v1.1.0")
    capsys.readouterr()
    clone.run("history", "--at", "2026-01-01")
    shown = capsys.readouterr().out
    assert "# flights at 2026-01-01T23:59:59Z\n" in shown
    assert "| production | v1.0.0 | 2026-01-01T00:00:00Z | Ada | by hand | kept \\| by @\u2060all |" in shown
    assert "Tagged, and not released: `v1.1.0`" in shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T00:00:00Z", 1_767_225_600),
        ("2026-01-01T00:00", 1_767_225_600),
        ("2026-01-01 01:00:00+01:00", 1_767_225_600),
        ("20260101T000000Z", 1_767_225_600),
        ("2025-12-31", 1_767_225_599),
        ("20251231", 1_767_225_599),
        ("2026-W01-3", 1_767_225_599),
    ],
)
def test_any_iso_date_or_time_is_understood(text, seconds):
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "1767225600000"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(GitHubError, match="a date such as 2026-03-01"):
        read_time(text)


@pytest.fixture(scope="session")
def went_live(new_clone, tmp_path_factory):
    """A clone with two releases that went through the stages."""
    clone = new_clone(tmp_path_factory.mktemp("live") / "at")
    clone.release("v1.0.0")
    for stage in ("staging", "production"):
        clone.moment += HOUR
        assign(clone, stage, "v1.0.0")
    clone.commit()
    clone.moment += HOUR
    clone.release("v1.1.0")
    for stage in ("staging", "production"):
        clone.moment += HOUR
        assign(clone, stage, "v1.1.0")
    return clone


@pytest.fixture
def live(went_live, tmp_path):
    """A copy of that clone, to forge in."""
    shutil.copytree(went_live.root.parent, tmp_path / "at")
    return dataclasses.replace(went_live, root=tmp_path / "at/clone")


def found_faults(clone) -> list[str]:
    return faults(read_registry(read_tags(clone.root), "flights"))


def move(clone, name: str, to: str, **trailers: str) -> None:
    """Put another tag object in the place of one: its message as it was but for what is given."""
    tag = read_tags(clone.root)[name]
    commit = clone.git("rev-parse", f"{to}^{{commit}}")
    kept = {key: list(values) for key, values in tag.trailers.items()} | trailers
    made = make_tag(clone.root, name, commit, message_of("Forged", kept), tag.time, ("Eve", "eve@example.invalid"))
    clone.git("update-ref", f"refs/tags/{name}", made)


FORGERIES = {
    "a release tag that was moved": (
        lambda clone: clone.git("tag", "--force", "--annotate", "--message", "v1.0.0", "v1.0.0", "v1.1.0^{commit}"),
        [r"v1\.0\.0 was moved: it is \w{12}, and \w{12} was released"],
    ),
    "a release tag that was deleted": (
        lambda clone: clone.git("tag", "--delete", "v1.0.0"),
        [r"v1\.0\.0 was released, and its tag was deleted since"],
    ),
    "a version that points elsewhere than its message says": (
        lambda clone: move(clone, "flights@v1.0.0", "v1.1.0"),
        [r"flights@v1\.0\.0 points to \w{12}, and its message says \w{12}", r"is gone: a tag was moved"],
    ),
    "a version that was moved together with its message": (
        lambda clone: move(clone, "flights@v1.0.0", "v1.1.0", Commit=clone.git("rev-parse", "v1.1.0^{commit}")),
        [r"flights#production#2 points to \w{12}, and v1\.0\.0 is registered at", r"is gone: a tag was moved"],
    ),
    "a version that was deleted": (
        lambda clone: clone.git("tag", "--delete", "flights@v1.0.0"),
        [r"flights#staging#1 assigns v1\.0\.0, which was never registered", r"is gone: a tag was moved"],
    ),
    "an assignment that was deleted": (
        lambda clone: clone.git("tag", "--delete", "flights#production#2"),
        [r"the assignment number 2 of flights is missing", r"is gone: a tag was moved, replaced or deleted"],
    ),
    "an assignment that names another version than before": (
        lambda clone: move(clone, "flights#production#2", "v1.0.0", Version="v1.1.0"),
        [r"flights#production#2 points to \w{12}, and v1\.1\.0 is registered at", r"is gone: a tag was moved"],
    ),
    "an assignment whose verdict was rewritten": (
        lambda clone: move(clone, "flights#production#2", "v1.0.0", Verdict="all was well"),
        [r"flights@v1\.1\.0 comes after the tag object \w{12}, which is gone"],
    ),
    "an assignment to a version that was never registered": (
        lambda clone: move(clone, "flights#production#4", "v1.1.0", Version="v2.0.0"),
        [r"flights#production#4 assigns v2\.0\.0, which was never registered"],
    ),
    "an assignment whose message names no version": (
        lambda clone: move(clone, "flights#production#4", "v1.1.0", Version=""),
        [r"flights#production#4 names no version"],
    ),
    "a lightweight assignment": (
        lambda clone: clone.git("tag", "flights#production#5", "v1.0.0^{commit}"),
        [r"flights#production#5 is a lightweight tag"],
    ),
    "a lightweight version": (
        lambda clone: clone.git("tag", "flights@v1.2.0", "main"),
        [r"flights@v1\.2\.0 is a lightweight tag"],
    ),
    "an assignment by hand": (
        lambda clone: clone.git("tag", "--annotate", "--message", "by hand", "flights#production#5", "v1.0.0^{commit}"),
        [r"flights#production#5 .* its message says nothing", r"flights#production#5 names no tag before it"],
    ),
    "the object of another assignment": (
        lambda clone: clone.git("update-ref", "refs/tags/flights#production#5", "refs/tags/flights#production#2"),
        [r"flights#production#5 holds the object of the tag flights#production#2"],
    ),
    "an assignment that is dated back": (
        lambda clone: backdate(clone),
        [r"flights#production#5 is dated before flights#production#4, which it comes after"],
    ),
    "another image than the version has": (
        lambda clone: move(clone, "flights#production#4", "v1.1.0", Image="example.org/other@sha256:1"),
        [r"flights#production#4 says that the image of v1\.1\.0 is another than flights@v1\.1\.0 does"],
    ),
    "another stage than the message says": (
        lambda clone: move(clone, "flights#production#4", "v1.1.0", Stage="staging"),
        [r"flights#production#4 assigns to staging by its message"],
    ),
    "a version that is withdrawn by hand": (
        lambda clone: clone.git("tag", "--annotate", "--message", "x", "flights@v1.0.0!", "v1.0.0^{commit}"),
        [r"flights@v1\.0\.0! is no tag that `register` makes"],
    ),
    "an unassignment by hand": (
        lambda clone: clone.git("tag", "--annotate", "--message", "x", "flights#production!#5", "v1.0.0^{commit}"),
        [r"flights#production!#5 is no tag that `register` makes"],
    ),
}


def backdate(clone) -> None:
    last = read_tags(clone.root)["flights#production#4"]
    kept = {key: list(values) for key, values in last.trailers.items()} | {"Previous": last.object}
    made = make_tag(clone.root, "flights#production#5", last.commit, message_of("x", kept), last.time - 1, ("Eve", "e"))
    clone.git("update-ref", "refs/tags/flights#production#5", made)


def test_what_nobody_touched_has_no_fault(live):
    assert found_faults(live) == []


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_found_and_said(live, forgery):
    forge, said = FORGERIES[forgery]
    forge(live)
    found = found_faults(live)
    for pattern in said:
        assert any(re.search(pattern, fault) for fault in found), found


def test_a_history_with_a_fault_ends_with_1_and_is_shown_all_the_same(live, capsys):
    live.git("tag", "--delete", "flights#production#2")
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        live.run("history")
    assert ended.value.code == 1
    shown = capsys.readouterr()
    assert "## These tags are not what they were\n\n- the assignment number 2 of flights is missing" in shown.out
    assert "| production | v1.1.0 |" in shown.out
    assert shown.err == "error: 2 faults in the tags of the registry, see above\n"


def test_two_assignments_at_the_same_time_are_no_fault(live):
    """Staging and production may get the same number where two runs register at once; the next one names both."""
    tags = read_tags(live.root)
    heads = [tags["flights#production#4"].object]
    for stage in ("staging", "production"):
        name = f"flights#{stage}#5"
        base = tags["flights@v1.0.0"]
        same = {key: base.one(key) for key in ("Version", "Bundle", "Image", "Commit")}
        what = {**same, "Stage": stage, "Previous": heads}
        made = make_tag(live.root, name, base.commit, message_of("x", what), live.moment + 60, ("Ada", "a"))
        live.git("push", "--quiet", "origin", f"{made}:refs/tags/{name}")
    live.moment += 120
    assign(live, "production", "v1.1.0")
    registry = read_registry(read_tags(live.root), "flights")
    assert len(registry.assignments[-1].tag.trailers["Previous"]) == 2
    assert faults(registry) == []
