"""What the local GitHub does with releases, attestations and tags, and what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from pathlib import Path

import pytest
from npm import NODE

from .local import GitHub, Repository, rulesets
from .local.pins import STAND_INS
from .test_local_github import call, change, clone, git
from .test_runner import PINS, workflow

RELEASES = "/repos/owner/project/releases"
HASH = f"sha256:{'a' * 64}"


@pytest.fixture
def repository(github: GitHub) -> Repository:
    made = github.create("owner/project")
    github.push(made, "main", {"README.md": "hello"})
    github.push(made, "refs/tags/v1.0.0", {"README.md": "tagged"})
    github.deliver()
    return made


@pytest.fixture
def writer(github: GitHub) -> str:
    return github.token({"contents": "write"})


def upload(github: GitHub, url: str, token: str, name: str, content: object = "data") -> tuple[int, dict]:
    """The status and the JSON of an answer to an upload."""
    target = url.replace("{?name,label}", f"?name={name}")
    connection = http.client.HTTPConnection(github.url.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    connection.request("POST", target.removeprefix(github.url), str(content).encode(), headers)
    response = connection.getresponse()
    found = json.loads(response.read())
    connection.close()
    return response.status, found


@pytest.mark.usefixtures("repository")
def test_a_draft_is_for_those_who_may_write_until_it_is_public(github: GitHub, writer: str):
    reader = github.token({"contents": "read"})
    status, made, _ = call(github, "POST", RELEASES, writer, {"tag_name": "v1.0.0", "draft": True})
    assert (status, made["draft"]) == (201, True)
    one = f"{RELEASES}/{made['id']}"
    assert [len(call(github, "GET", RELEASES, token)[1]) for token in (writer, reader)] == [1, 0]
    assert [call(github, "GET", one, token)[0] for token in (writer, reader)] == [200, 404]
    assert call(github, "GET", f"{RELEASES}/tags/v1.0.0", writer)[0] == 404
    assert call(github, "PATCH", one, reader, {"draft": False})[0] == 403
    assert call(github, "PATCH", one, writer, {"draft": False, "make_latest": "true"})[1]["draft"] is False
    assert call(github, "GET", f"{RELEASES}/tags/v1.0.0", reader)[0] == 200
    again = call(github, "POST", RELEASES, writer, {"tag_name": "v1.0.0"})
    assert (again[0], again[1]["errors"][0]["code"]) == (422, "already_exists")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"name": "no tag"}, 422),
        ({"tag_name": "v1.0.0", "colour": "blue"}, 422),
        ({"tag_name": "v1.0.0", "draft": "true"}, 422),
        ({"tag_name": "v1.0.0", "body": "x" * 125_001}, 422),
        ({"tag_name": "v1.0.0", "make_latest": "yes"}, 422),
        ({"tag_name": "v2.0.0", "target_commitish": "nowhere"}, 422),
    ],
)
def test_a_release_is_taken_only_as_github_takes_it(
    github: GitHub, repository: Repository, writer: str, given: dict, status: int
):
    assert call(github, "POST", RELEASES, writer, given)[0] == status
    assert github.shelf(repository).releases == []


def test_a_public_release_makes_a_tag_that_is_missing(github: GitHub, repository: Repository, writer: str):
    assert call(github, "POST", RELEASES, writer, {"tag_name": "v2.0.0", "draft": True})[0] == 201
    assert not repository.find("refs/tags/v2.0.0")
    assert call(github, "GET", "/repos/owner/project/git/ref/tags/v2.0.0", writer)[0] == 404
    assert call(github, "POST", RELEASES, writer, {"tag_name": "v2.0.0"})[0] == 201
    assert repository.find("refs/tags/v2.0.0") == repository.sha("main")
    assert call(github, "GET", "/repos/owner/project/git/ref/tags/v2.0.0", writer)[0] == 200


@pytest.mark.usefixtures("repository")
def test_a_file_has_a_name_of_its_own_and_a_digest(github: GitHub, writer: str):
    made = call(github, "POST", RELEASES, writer, {"tag_name": "v1.0.0", "draft": True})[1]
    url = made["upload_url"]
    status, asset = upload(github, url, writer, "a%20b.txt")
    assert (status, asset["name"], asset["state"], asset["size"]) == (201, "a.b.txt", "uploaded", 4)
    assert asset["digest"].startswith("sha256:3a6eb079")
    assert upload(github, url, writer, "a.b.txt")[1]["errors"][0]["code"] == "already_exists"
    assert upload(github, url, writer, "empty", "")[0] == 400
    github.broken_uploads = 1
    assert upload(github, url, writer, "cut.txt")[0] == 502
    listed = call(github, "GET", f"{RELEASES}/{made['id']}", writer)[1]["assets"]
    assert [(one["name"], one["state"], one["size"]) for one in listed] == [
        ("a.b.txt", "uploaded", 4),
        ("cut.txt", "starter", 0),
    ]
    assert call(github, "DELETE", f"{RELEASES}/assets/{asset['id']}", writer)[0] == 204
    assert call(github, "DELETE", f"{RELEASES}/assets/{asset['id']}", writer)[0] == 404


@pytest.mark.parametrize(
    ("private", "plan", "permissions", "status"),
    [
        (False, "free", {"attestations": "write", "id-token": "write"}, 201),
        (True, "enterprise", {"attestations": "write", "id-token": "write"}, 201),
        (True, "team", {"attestations": "write", "id-token": "write"}, 403),
        (True, "free", {"attestations": "write", "id-token": "write"}, 403),
        (False, "free", {"attestations": "write"}, 403),
        (False, "free", {"id-token": "write"}, 403),
    ],
)
def test_attestations_take_a_public_repository_or_enterprise(
    github: GitHub, repository: Repository, private: bool, plan: str, permissions: dict[str, str], status: int
):
    repository.private = private
    github.shelf(repository).settings["plan"] = plan
    body = {"subjects": {"flights.whl": HASH}}
    given = call(github, "POST", "/repos/owner/project/attestations", github.token(permissions), body)
    assert given[0] == status
    found = call(github, "GET", f"/repos/owner/project/attestations/{HASH}", github.token({"attestations": "read"}))
    assert found[0] == (200 if status == 201 else 404)


def test_a_ruleset_keeps_tags_as_they_are(github: GitHub, repository: Repository, tmp_path: Path):
    github.server.routes[:0] = rulesets.ROUTES
    github.shelf(repository).settings["plan"] = "pro"
    admin = github.token({"administration": "write"})
    rule = {"name": "tags", "target": "tag", "enforcement": "active", "bypass_actors": [],
            "conditions": {"ref_name": {"include": ["refs/tags/v*", "refs/tags/*#*"], "exclude": []}},
            "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}, {"type": "update"}]}  # fmt: skip
    assert call(github, "POST", "/repos/owner/project/rulesets", admin, rule)[0] == 201
    token = github.token({"contents": "write"})
    folder = clone(github, tmp_path, token)
    change(folder, "new.txt")
    for ref in ("v2.0.0", "flights#production#1", "note"):
        git(folder, "push", "--quiet", "origin", f"HEAD:refs/tags/{ref}", token=token)
    change(folder, "newer.txt")
    for ref in ("v2.0.0", "flights#production#1"):
        moved = git(folder, "push", "--force", "origin", f"HEAD:refs/tags/{ref}", token=token, ok=False)
        assert "Cannot update or delete this protected ref" in moved
        assert "GH013" in git(folder, "push", "origin", f":refs/tags/{ref}", token=token, ok=False)
    git(folder, "push", "--quiet", "--force", "origin", "HEAD:refs/tags/note", token=token)


def test_an_annotated_tag_is_told_by_its_object_and_starts_what_waits_for_it(
    github: GitHub, repository: Repository, tmp_path: Path
):
    text = workflow("{push: {tags: ['v*', '!*!']}}", "- run: echo $GITHUB_REF_NAME $GITHUB_SHA")
    github.push(repository, "main", {".github/workflows/tagged.yml": text})
    folder = clone(github, tmp_path, github.token({"contents": "write"}))
    for name in ("v1.1.0", "v1.1.0!", "other"):
        git(folder, "tag", "--annotate", "--message", name, name)
        github.tag(repository, name, folder)
    (run,) = github.deliver()
    assert run.event.payload["after"] == repository.refs()["refs/tags/v1.1.0"] != run.event.sha
    assert f"v1.1.0 {repository.sha('main')}" in run.log
    github.rerun(run)
    (again,) = github.deliver()
    assert (again.event, again.id == run.id) == (run.event, False)


def test_a_queue_lets_every_run_have_its_turn(github: GitHub, repository: Repository):
    text = f"concurrency: {{group: release, cancel-in-progress: false, queue: max}}\n{workflow('push', '- run: date')}"
    for number in range(3):
        github.push(repository, "main", {".github/workflows/queue.yml": text, "data.txt": str(number)})
    assert [run.conclusion for run in github.deliver()] == ["success"] * 3


def test_an_attestation_and_a_login_say_why_they_are_refused(github: GitHub, repository: Repository):
    steps = f"""
        - run: echo '{"a" * 64}  flights.whl' > SHA256SUMS
        - uses: {PINS["attest"]}
          with: {{subject-checksums: SHA256SUMS}}
          continue-on-error: true # each of the three is refused, and one run shows all
        - uses: {PINS["attest"]}
          with: {{subject-digest: "{HASH}"}}
          continue-on-error: true # as above
        - uses: {PINS["login-action"]}
          with: {{registry: 127.0.0.1:9}}
    """
    more = "permissions: {attestations: write, id-token: write}\n"
    github.push(repository, "main", {".github/workflows/attest.yml": workflow("push", steps, more)})
    (run,) = github.deliver()
    assert "Failed to persist attestation: Feature not available for the owner's plan" in run.log
    assert "subject-name must be provided when using subject-digest" in run.log
    assert "Username and password required" in run.log
    assert github.shelf(repository).attestations == []


@pytest.fixture
def buildx(tmp_path: Path):
    """What the client in the place of Buildx does, before a client of version 20 that only tells what it is asked."""
    (tmp_path / "real").mkdir()
    real = tmp_path / "real/docker"
    real.write_text(
        '#!/bin/sh\ncase "$1" in version) echo 20.10 ;; image) echo \'["r/p@sha256:1"]\' ;; '
        '*) echo "$DOCKER_BUILDKIT $*" ;; esac\n'
    )
    real.chmod(0o755)

    def act(*words: str) -> subprocess.CompletedProcess[str]:
        script = STAND_INS / "docker-setup-buildx-action/bin/docker"
        path = f"{tmp_path / 'real'}:{os.environ['PATH']}"
        options = {"env": {"PATH": path, "HOME": str(tmp_path)}, "capture_output": True, "text": True, "timeout": 60}
        return subprocess.run([NODE, script, *words], check=False, **options)

    return act


def test_of_many_platforms_the_own_one_is_built_and_pushed(buildx, tmp_path: Path):
    told = tmp_path / "metadata.json"
    options = ["--platform", "linux/amd64,linux/arm64", "--push", "--provenance=false", "--metadata-file", str(told)]
    done = buildx("buildx", "build", *options, "--tag", "r/p:1.0.0", ".")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 build --tag r/p:1.0.0 .\n1 push --quiet r/p:1.0.0\n"
    assert "builds linux/amd64 only, of linux/amd64,linux/arm64" in done.stderr
    assert told.read_text() == '{"containerimage.digest":"sha256:1"}'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["build", "."], "No output specified"),
        (["build", "--load", "--platform", "linux/amd64,linux/arm64", "."], "does not currently support exporting"),
        (["build", "--load", "--platform", "linux/s390x", "."], "builds linux/amd64 only"),
        (["build", "--push", "--cache-to", "type=gha", "."], "does not know what to do with --cache-to"),
        (["imagetools", "create"], "does not know buildx imagetools"),
    ],
)
def test_what_buildx_would_refuse_or_its_stand_in_cannot_is_refused(buildx, words: list[str], said: str):
    done = buildx("buildx", *words)
    assert done.returncode == 1
    assert said in done.stderr
