from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from .local import GitHub, Repository, Run, WorkflowError
from .local.documents import load
from .local.pins import STAND_FOR, Action, table

PINS = {name.rpartition("/")[2]: f"{name}@{action.commit}" for name, action in table().items()}
CHECKOUT = f"- uses: {PINS['checkout']}"


def workflow(on: str, steps: str, more: str = "") -> str:
    """A workflow with one job, named `job`."""
    lines = textwrap.indent(textwrap.dedent(steps).strip("\n"), "      ")
    return (
        f"on: {on}\njobs:\n  job:\n    runs-on: ubuntu-latest\n{textwrap.indent(more, '    ')}\n    steps:\n{lines}\n"
    )


@pytest.fixture
def repository(github: GitHub) -> Repository:
    made = github.create("owner/project")
    github.push(made, "main", {"README.md": "hello", "data.txt": "1"})
    github.deliver()
    return made


def push(github: GitHub, repository: Repository, files: dict[str, str], branch: str = "main") -> list[Run]:
    """The runs that follow a push of workflows, whose names need no folder."""
    named = {
        f".github/workflows/{name}" if "/" not in name and name.endswith(".yml") else name: text
        for name, text in files.items()
    }
    github.push(repository, branch, named)
    return github.deliver()


def steps_of(run: Run) -> list[str]:
    return list(run.jobs["job"].steps.values())


def test_a_run_is_told_as_github_tells_it(github: GitHub, repository: Repository):
    steps = """
        - run: echo first >> $GITHUB_STEP_SUMMARY
        - name: Doubtful
          run: exit 1
          continue-on-error: true # how such a step is told is looked at
        - name: Never
          if: false
          run: echo never
        - name: Fails
          run: echo second >> $GITHUB_STEP_SUMMARY && exit 1
        - name: Left out
          run: echo never
    """
    after = "  after:\n    needs: job\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n"
    (run,) = push(github, repository, {"tell.yml": workflow("push", steps) + after})
    assert run.conclusion == "failure"
    assert steps_of(run)[1:] == ["success", "failure", "skipped", "skipped"]
    assert run.jobs["job"].outcomes["Doubtful"] == "failure"
    assert run.jobs["after"].conclusion == "skipped"
    assert run.summary == "first\n\nsecond\n"
    checks = github.checks_of(repository, repository.sha("main"))
    assert {check.name: check.conclusion for check in checks} == {"job": "failure", "after": "skipped"}


def test_a_job_sees_no_more_of_this_machine_than_it_must(
    github: GitHub, repository: Repository, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("PYTHONPATH", "/hidden")
    steps = "- run: env; echo nothing; ls -A; ls -A ~; git config --list --show-scope; echo else"
    (run,) = push(github, repository, {"look.yml": workflow("push", steps)})
    assert "hidden" not in run.log
    assert "PYTEST" not in run.log
    assert f"HOME={Path.home()}\n" not in run.log
    assert "nothing\nelse\n" in run.log
    (path,) = re.findall("^PATH=(.*)$", run.log, re.MULTILINE)
    assert str(Path(sys.executable).parent) not in path.split(os.pathsep)


def test_a_pull_request_checks_out_its_merge_and_shows_its_checks_on_its_head(github: GitHub, repository: Repository):
    look = f"{CHECKOUT}\n- run: git log --oneline | wc -l; cat README.md data.txt; git rev-parse HEAD; git status"
    github.push(repository, "more", {"data.txt": "12"})
    push(github, repository, {"look.yml": workflow("pull_request", look), "README.md": "hello you\n"})
    pull = github.open_pull_request(repository, "more")
    (run,) = github.deliver()
    assert f"1\nhello you\n12{pull.merge_sha()}\nHEAD detached at pull/1/merge" in run.log
    assert pull.mergeable_by_checks(["job"])
    assert not pull.mergeable_by_checks(["job", "another"])


def test_a_checkout_takes_the_ref_the_depth_and_the_folder_it_is_given(github: GitHub, repository: Repository):
    github.push(repository, "refs/tags/v1", {"README.md": "tagged"})
    steps = f"""
        {CHECKOUT}
          with: {{ref: v1, path: tagged, fetch-tags: true}}
        {CHECKOUT}
          id: whole
          with: {{ref: main, path: whole, fetch-depth: 0}}
        - run: |
            cat tagged/README.md; git -C tagged tag
            git -C whole log --oneline | wc -l; git -C whole branch --all
            echo '${{{{ steps.whole.outputs.ref }}}} ${{{{ steps.whole.outputs.commit }}}}'
        {CHECKOUT}
          with: {{ref: nowhere}}
    """
    runs = push(github, repository, {"look.yml": workflow("{push: {branches: [main]}}", steps)})
    assert "taggedv1\n2\n* main\n  remotes/origin/main\n" in runs[0].log
    assert f"refs/heads/main {repository.sha('main')}" in runs[0].log
    assert "A branch or tag with the name 'nowhere' could not be found" in runs[0].log
    assert runs[0].conclusion == "failure"


PUSHES = """
    - run: |
        echo 2 > data.txt
        git -c user.name=bot -c user.email=bot@example.invalid commit -qam Relock
        git push origin HEAD:more
"""


@pytest.mark.parametrize(
    ("permissions", "credentials", "pushed"),
    [("write", "true", True), ("read", "true", False), ("write", "false", False)],
)
def test_a_job_pushes_with_its_own_permissions_and_the_credentials_it_kept(
    github: GitHub, repository: Repository, permissions: str, credentials: str, pushed: bool
):
    steps = f"{CHECKOUT}\n  with: {{persist-credentials: {credentials}}}\n{textwrap.dedent(PUSHES)}"
    more = f"permissions:\n  contents: {permissions}\n"
    other = "  other:\n    permissions: {contents: write}\n    runs-on: ubuntu-latest\n    steps: [{run: 'true'}]\n"
    (run,) = push(github, repository, {"push.yml": workflow("push", steps, more) + other})
    assert (repository.find("refs/heads/more") is not None) == pushed
    assert (run.conclusion == "success") == pushed, run.log


def test_a_token_without_leave_clones_nothing_that_is_private(github: GitHub, repository: Repository):
    (run,) = push(github, repository, {"look.yml": workflow("push", CHECKOUT, "permissions: {}")})
    assert "Repository not found" in run.log or "not found" in run.log
    assert run.conclusion == "failure"


def test_a_run_may_not_push_a_workflow(github: GitHub, repository: Repository):
    change = PUSHES.replace("echo 2 > data.txt", "echo >> .github/workflows/push.yml")
    steps = f"{CHECKOUT}\n{textwrap.dedent(change)}"
    (run,) = push(github, repository, {"push.yml": workflow("push", steps, "permissions: {contents: write}")})
    assert "without `workflows` permission" in run.log
    assert not repository.find("refs/heads/more")


DISPATCHES = """
- run: |
    curl --silent --fail-with-body -X POST -H "Authorization: Bearer $TOKEN" -d '{"ref": "main"}' \\
      "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/actions/workflows/other.yml/dispatches"
  env: {TOKEN: "${{ github.token }}"}
"""


def test_what_a_run_dispatches_runs_and_what_it_pushes_does_not(github: GitHub, repository: Repository):
    steps = f"{CHECKOUT}\n{textwrap.dedent(PUSHES)}\n{DISPATCHES}"
    permissions = "permissions: {contents: write, actions: write}"
    other = workflow("{push: {branches: [more]}, workflow_dispatch: }", "- run: echo ${{ github.event_name }}")
    runs = push(github, repository, {"first.yml": workflow("{push: }", steps, permissions), "other.yml": other})
    assert [(run.file, run.event.name, run.conclusion) for run in runs] == [
        ("first.yml", "push", "success"),
        ("other.yml", "workflow_dispatch", "success"),
    ]


def cached(key: str, build: str = "mkdir -p kept && date +%N > kept/built", name: str = "kept") -> str:
    return f"""
        - id: cache
          uses: {PINS["cache"]}
          with: {{path: "{name}\\n~/.kept", key: {key}, restore-keys: data-}}
        - run: |
            echo was ${{{{ steps.cache.outputs.cache-hit }}}}:
            [ ! -e kept/built ] || cat kept/built
            {build}
            touch ~/.kept
    """


def test_a_cache_is_found_by_key_and_else_by_the_start_of_it(github: GitHub, repository: Repository):
    def run(key: str, branch: str = "main", build: str = "mkdir -p kept && echo $GITHUB_REF > kept/built") -> str:
        steps = cached(key, build)
        (ran,) = push(github, repository, {"cache.yml": workflow("push", steps)}, branch)
        return ran.log

    assert "was :\n" in run("data-1")
    assert "was true:\nrefs/heads/main" in run("data-1")
    assert "was false:\nrefs/heads/main" in run("data-2", "other")
    assert "was true:\nrefs/heads/other" not in run("data-2", "third")
    assert "not saving" not in run("data-3", build="exit 1")
    assert "was false:\n" in run("data-3")
    scopes = [(cache.key, cache.scope) for cache in github.caches(repository)]
    assert scopes == [
        ("data-1", "refs/heads/main"),
        ("data-2", "refs/heads/other"),
        ("data-2", "refs/heads/third"),
        ("data-3", "refs/heads/main"),
    ]
    github.caches(repository).clear()
    assert "was :\n" in run("data-3")


def test_artifacts_keep_the_paths_below_what_they_share(github: GitHub, repository: Repository):
    steps = f"""
        - run: mkdir -p reports/plots && touch reports/.hidden && echo 1 > reports/a.md && echo 2 > reports/plots/b.svg
        - uses: {PINS["upload-artifact"]}
          with: {{name: folder, path: reports}}
        - uses: {PINS["upload-artifact"]}
          with: {{name: files, path: "reports/a.md\\nreports/plots/*.svg", if-no-files-found: error}}
        - uses: {PINS["upload-artifact"]}
          with: {{name: one, path: reports/plots/b.svg}}
        - uses: {PINS["download-artifact"]}
          with: {{path: all, pattern: "f*"}}
        - run: find all -type f | sort
        - uses: {PINS["upload-artifact"]}
          with: {{name: none, path: nowhere}}
        - name: Again
          uses: {PINS["upload-artifact"]}
          with: {{name: one, path: reports/a.md}}
    """
    (run,) = push(github, repository, {"keep.yml": workflow("push", steps)})
    assert {name: sorted(files) for name, files in run.artifacts.items()} == {
        "folder": ["a.md", "plots/b.svg"],
        "files": ["a.md", "plots/b.svg"],
        "one": ["b.svg"],
    }
    assert "all/files/a.md\nall/files/plots/b.svg\nall/folder/a.md\nall/folder/plots/b.svg\n" in run.log
    assert run.jobs["job"].steps["Again"] == "failure"
    assert "an artifact with this name already exists" in run.log


CML = f"""
name: CML
runs:
  using: composite
  steps:
    - uses: {PINS["checkout"]}
      with: {{repository: iterative/cml, ref: {STAND_FOR["iterative/cml"]}, path: .cml, persist-credentials: false}}
    - run: |
        npm ci --omit=dev --ignore-scripts --no-audit --no-fund
        mkdir "$RUNNER_TEMP/bin"
        printf '#!/bin/sh\\nexec node "%s/bin/cml.js" "$@"\\n' "$PWD" > "$RUNNER_TEMP/bin/cml"
        chmod +x "$RUNNER_TEMP/bin/cml"
        echo "$RUNNER_TEMP/bin" >> "$GITHUB_PATH"
      working-directory: .cml
      shell: bash
"""
REPORT = f"""
name: report
on: {{workflow_run: {{workflows: [train], types: [completed]}}}}
permissions: {{}}
jobs:
  job:
    if: github.event.workflow_run.event == 'pull_request'
    runs-on: ubuntu-latest
    permissions: {{contents: read, actions: read, pull-requests: write}}
    env: {{ITERATIVE_DO_NOT_TRACK: "1"}}
    steps:
      - uses: {PINS["checkout"]}
      - uses: ./.github/actions/cml
      - uses: {PINS["download-artifact"]}
        with:
          name: report
          run-id: ${{{{ github.event.workflow_run.id }}}}
          github-token: ${{{{ github.token }}}}
      - name: Comment
        run: cml comment update --no-publish --target=pr/$(cat number) --repo=$REPO --watermark-title=train report.md
        env:
          REPO: ${{{{ github.server_url }}}}/${{{{ github.repository }}}}
          REPO_TOKEN: ${{{{ github.token }}}}
"""


HIDDEN = {"SECRET": "hidden"}


def trains(report: str) -> str:
    return "name: train\n" + workflow(
        "pull_request",
        f"""
        - run: echo "{report} $GITHUB_SHA ${{{{ secrets.SECRET }}}}" > report.md; echo $NUMBER > number
          env: {{NUMBER: "${{{{ github.event.number }}}}"}}
        - uses: {PINS["upload-artifact"]}
          with: {{name: report, path: "report.md\\nnumber"}}
        """,
    )


def test_a_report_of_a_fork_reaches_its_pull_request_through_a_run_of_main(github: GitHub, repository: Repository):
    github.secrets |= HIDDEN
    files = {"train.yml": trains("first"), "report.yml": REPORT, ".github/actions/cml/action.yml": CML}
    push(github, repository, files)
    fork = github.create("stranger/project", fork_of=repository.name)
    github.push(fork, "gift", {"data.txt": "3"})
    pull = github.open_pull_request(repository, "gift", fork=fork)
    train, report = github.deliver()
    assert [train.conclusion, report.conclusion] == ["success", "success"], report.log
    merge = train.event.sha
    mark = f'![](https://cml.dev/watermark.png#{repository.sha("main")} "CML watermark train")'
    assert pull.comments == [f"first {merge} \n\n\n{mark}"]
    github.push(fork, "gift", {"data.txt": "4"})
    github.deliver()
    assert len(pull.comments) == 1
    assert merge not in pull.comments[0]
    github.push(fork, "gift", {"data.txt": "5"})
    report = github.deliver(env={"CML_DOWN": "1"})[-1]
    assert report.jobs["job"].steps["Comment"] == "failure"


def test_a_job_of_an_environment_takes_its_variables_first(github: GitHub, repository: Repository):
    github.variables |= {"HOST": "everywhere", "PORT": "1", "PORT_RANGE": "few"}
    github.environments |= {"live": {"PORT": "2", "ONLY": "here"}, "try": {"PORT": "3"}}
    said = "${{ vars.HOST }} ${{ vars.PORT }} ${{ vars.PORT_RANGE }} ${{ vars.ONLY || 'nothing' }}"
    show = f"""
        - run: echo "said $SAID, and vars.PORT stays"
          env: {{SAID: "{said}"}}
        - if: vars.PORT == '2'
          run: echo it is two
    """
    text = workflow("push", show, "environment: {name: live, url: 'https://example.invalid'}\n")
    for name, more in {"tried": "environment: try\n", "plain": "", "other": "environment: nowhere\n"}.items():
        text += workflow("push", show, more).partition("jobs:\n")[2].replace("  job:", f"  {name}:")
    called = workflow("workflow_call", show, "environment: try\n")
    text += "  called:\n    uses: ./.github/workflows/called.yml\n"
    (run,) = push(github, repository, {"show.yml": text, "called.yml": called})
    assert run.conclusion == "success", run.log
    plain, live, tried = "everywhere 1 few nothing", "everywhere 2 few here", "everywhere 3 few nothing"
    wanted = {"job": live, "tried": tried, "plain": plain, "other": plain, "called / job": tried}
    assert set(run.jobs) == set(wanted)
    for name, values in wanted.items():
        assert f"said {values}, and vars.PORT stays\n" in run.jobs[name].log
        assert ("it is two" in run.jobs[name].log.splitlines()) == (name == "job")


def test_a_stranger_gets_no_secret_and_no_write(github: GitHub, repository: Repository):
    steps = f"{CHECKOUT}\n- run: echo '[${{{{ secrets.SECRET }}}}]'\n{textwrap.dedent(PUSHES)}"
    look = workflow("pull_request", steps, "permissions: {contents: write}")
    github.secrets |= HIDDEN
    push(github, repository, {"look.yml": look})
    fork = github.create("stranger/project", fork_of=repository.name)
    github.push(fork, "gift", {"data.txt": "3"})
    github.open_pull_request(repository, "gift", fork=fork)
    (run,) = github.deliver()
    assert "[]" in run.log
    assert "403" in run.log
    assert not repository.find("refs/heads/more")


def test_a_strangers_code_is_not_checked_out_where_the_token_is_not_a_strangers(github: GitHub, repository: Repository):
    train = workflow("pull_request", "- run: 'true'")
    ref = "${{ github.event.workflow_run.head_sha }}"
    report = workflow(
        "{workflow_run: {workflows: [.github/workflows/train.yml]}}", f"{CHECKOUT}\n  with: {{ref: '{ref}'}}"
    )
    push(github, repository, {"train.yml": train, "report.yml": report})
    fork = github.create("stranger/project", fork_of=repository.name)
    github.push(fork, "gift", {"data.txt": "3"})
    github.open_pull_request(repository, "gift", fork=fork)
    assert "Refusing to check out fork pull request code" in github.deliver()[-1].log


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        (f"{CHECKOUT}\n  with: {{depth: 1}}", "has no input 'depth'"),
        (f"- uses: {PINS['cache']}\n  with: {{key: a}}", "needs the input 'path'"),
        ("- uses: actions/checkout@v7", "is not pinned to"),
        ("- uses: someone/something@main", "is not among the actions that may be used"),
        ("- uses: ./.github/actions/own\n  with: {what: 1}", "has no input 'what'"),
    ],
)
def test_an_action_is_refused_what_it_does_not_declare(
    github: GitHub, repository: Repository, steps: str, complaint: str
):
    own = "name: own\nruns: {using: composite, steps: [{run: 'true', shell: bash}]}\n"
    with pytest.raises(WorkflowError, match=complaint):
        push(github, repository, {"use.yml": workflow("push", steps), ".github/actions/own/action.yml": own})


def test_a_later_run_of_a_concurrency_group_ends_those_that_wait(github: GitHub, repository: Repository):
    group = "concurrency: {group: '${{ github.workflow }}-${{ github.ref }}', cancel-in-progress: "
    for cancel, expected in (
        ("false", ["cancelled", "success", "success"]),
        ("true", ["cancelled", "cancelled", "success"]),
    ):
        text = f"{group}{cancel}}}\n{workflow('push', '- run: date')}"
        for number in range(3):
            github.push(repository, "main", {".github/workflows/group.yml": text, "data.txt": f"{number}{cancel}"})
        assert [run.conclusion for run in github.deliver()] == expected


def test_the_merge_queue_asks_for_checks_of_what_would_be_merged(github: GitHub, repository: Repository):
    push(
        github, repository, {"queue.yml": workflow("merge_group", f"{CHECKOUT}\n- run: cat data.txt; echo $GITHUB_REF")}
    )
    github.push(repository, "more", {"data.txt": "12"})
    pull = github.open_pull_request(repository, "more")
    sha = github.enqueue(pull)
    (run,) = github.deliver()
    assert "12refs/heads/gh-readonly-queue/main/pr-1-" in run.log
    assert [check.conclusion for check in github.checks_of(repository, sha)] == ["success"]
    assert github.merge(pull) == repository.sha("main")
    assert pull.merged


def test_each_job_has_a_name_of_its_own_as_a_check(github: GitHub, repository: Repository):
    jobs = """
on: push
jobs:
  plain: {runs-on: ubuntu-latest, strategy: {matrix: {python: ["3.11", "3.12"]}}, steps: [{run: "true"}]}
  named:
    name: Python ${{ matrix.python }}
    runs-on: ubuntu-latest
    strategy: {matrix: {python: ["3.11"]}}
    steps: [{run: "true"}]
  called: {uses: ./.github/workflows/called.yml, permissions: {contents: read}}
"""
    called = workflow("workflow_call", CHECKOUT)
    (run,) = push(github, repository, {"names.yml": jobs, "called.yml": called})
    assert sorted(run.jobs) == ["Python 3.11", "called / job", "plain (3.11)", "plain (3.12)"]
    assert run.conclusion == "success", run.log


def test_one_job_can_be_run_with_what_it_needs(github: GitHub, repository: Repository):
    job = "{runs-on: ubuntu-latest, steps: [{run: 'true'}]"
    text = f"on: push\njobs:\n  a: {job}}}\n  b: {job}, needs: a}}\n  c: {job}, needs: b}}\n"
    github.push(repository, "main", {".github/workflows/jobs.yml": text})
    (run,) = github.deliver(jobs=["b"])
    assert list(run.jobs) == ["a", "b"]


def test_uv_comes_alone_and_with_the_python_that_is_asked_for(github: GitHub, repository: Repository):
    steps = f"""
        - uses: {PINS["setup-uv"]}
          id: uv
          with: {{python-version: "3.11"}}
        - run: uv --version && ls $(dirname $(which uv)) && echo $UV_PYTHON
        - run: test "${{{{ steps.uv.outputs.uv-version }}}}" = "$(uv --version | cut -d' ' -f2)"
        - uses: {PINS["setup-python"]}
          with: {{python-version: "3.11"}}
        - run: python --version
    """
    (run,) = push(github, repository, {"uv.yml": workflow("push", steps)})
    assert run.conclusion == "success", run.log
    assert "\nuv\nuvx\n3.11\n" in run.log
    assert "Python 3.11." in run.log


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended may wait for its parent."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    ).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_nothing_that_a_job_started_outlives_it(github: GitHub, repository: Repository):
    (run,) = push(
        github, repository, {"leave.yml": workflow("push", "- run: nohup sleep 300 > /dev/null 2>&1 & echo $!")}
    )
    process = int(run.log.splitlines()[-1])
    stopped = time.monotonic() + 10
    while alive(process) and time.monotonic() < stopped:
        time.sleep(0.05)
    assert not alive(process)


def test_a_run_that_takes_too_long_is_ended(github: GitHub, repository: Repository):
    github.push(repository, "main", {".github/workflows/slow.yml": workflow("push", "- run: sleep 300")})
    with pytest.raises(AssertionError, match=r"slow.yml took more than"):
        github.deliver(timeout=1)


def test_a_step_has_no_terminal_and_fails_as_on_github(github: GitHub, repository: Repository):
    steps = """
        - run: test -t 0 || test -t 1 || echo none; cat
        - run: false | true
        - name: Piped
          shell: bash
          run: false | true
    """
    (run,) = push(github, repository, {"tell.yml": workflow("push", steps)})
    assert "\nnone\n" in run.log
    assert steps_of(run) == ["success", "success", "failure"]


def test_a_run_that_dispatches_into_its_own_group_ends_itself(github: GitHub, repository: Repository):
    on = "{push: {branches: [main]}, workflow_dispatch: }"
    steps = DISPATCHES.replace("other.yml", "self.yml").replace("- run", "- if: github.event_name == 'push'\n  run")
    text = workflow(on, steps, "permissions: {actions: write}")
    group = "concurrency: {group: '${{ github.ref }}', cancel-in-progress: true}\n"
    runs = push(github, repository, {"self.yml": group + text})
    assert [(run.event.name, run.conclusion) for run in runs] == [
        ("push", "cancelled"),
        ("workflow_dispatch", "success"),
    ]


@pytest.mark.parametrize("action", [action for action in table().values() if action.stand_in.exists()], ids=str)
def test_a_stand_in_has_no_inputs_and_outputs_of_its_own(action: Action):
    declared = load((action.stand_in / "action.yml").read_text())
    assert set(declared["inputs"]) <= set(action.inputs)
    assert set(declared.get("outputs", ())) <= set(action.outputs)


ASKS = "runs-on: ${{ fromJSON(vars.TRAIN_RUNNER || '\"ubuntu-24.04\"') }}"


def test_a_job_that_names_its_runner_by_a_variable_finds_it_or_waits(github: GitHub, repository: Repository):
    look = workflow("push", "- run: 'true'").replace("runs-on: ubuntu-latest", ASKS)
    (run,) = push(github, repository, {"look.yml": look})
    assert run.jobs["job"].asked == ["ubuntu-24.04"]
    github.variables["TRAIN_RUNNER"] = '["gpu", "large"]'
    for labels in ([], ["gpu"], ["gpu", "large"]):
        github.shelf(repository).machines["gpu-1"] = labels
        github.push(repository, "main", {"data.txt": str(labels)})
        if labels != ["gpu", "large"]:
            with pytest.raises(WorkflowError, match="GitHub would let the job wait"):
                github.deliver()
    (run,) = github.deliver()
    assert run.jobs["job"].asked == ["gpu", "large"]


def test_a_job_is_as_long_as_its_runner_is_busy(github: GitHub, repository: Repository):
    (run,) = push(github, repository, {"look.yml": workflow("push", "- run: sleep 2")})
    assert 1 <= run.jobs["job"].seconds < 60
