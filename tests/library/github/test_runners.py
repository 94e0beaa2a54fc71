from __future__ import annotations

import pytest
from modelyard.github.api import GitHubError
from modelyard.github.plans import Place
from modelyard.github.runners import plan_approval

PLACE = Place("acme/flights", True, "public", None, "")
LINE = '~ fork pull requests: approval_policy: "first_time_contributors" -> "all_external_contributors"'


def told(client, place=PLACE) -> list[tuple[str, str]]:
    """The line of each change, and why the repository is refused until then."""
    return [(change.lines[0], change.why) for change in plan_approval(client, place)]


@pytest.mark.parametrize(
    ("variable", "runners", "named"),
    [
        (None, ["gpu-1"], "runner gpu-1"),
        ('["self-hosted", "gpu"]', [], 'TRAIN_RUNNER is ["self-hosted", "gpu"]'),
        ('{"group": "gpus"}', ["gpu-1", "gpu-2"], 'runner gpu-1; runner gpu-2; TRAIN_RUNNER is {"group": "gpus"}'),
        ('"larger-runner"', [], 'TRAIN_RUNNER is "larger-runner"'),
        ('["ubuntu-24.04", "gpu"]', [], 'TRAIN_RUNNER is ["ubuntu-24.04", "gpu"]'),
        ("3", [], "TRAIN_RUNNER is 3"),
    ],
)
@pytest.mark.parametrize("of_organisation", [False, True])
def test_machines_of_ones_own_are_refused_until_outsiders_need_an_approval(
    github, client, variable, runners, named, of_organisation
):
    github.runners = runners
    if variable is not None:
        (github.organization_variables if of_organisation else github.variables)["TRAIN_RUNNER"] = variable
    ((line, why),) = told(client)
    assert line == LINE
    assert why.startswith(f"acme/flights is public and runs jobs on machines of its own ({named}), but not everybody")
    assert 'Set Settings, Actions, General, "Approval for running fork pull request workflows from contrib' in why
    github.approval = "all_external_contributors"
    assert told(client) == []


@pytest.mark.parametrize(
    "variable", ['"ubuntu-24.04"', '"ubuntu-24.04-arm"', '["windows-2025"]', '"macos-latest"', " "]
)
def test_githubs_own_runners_need_no_approval(github, client, variable):
    github.variables["TRAIN_RUNNER"] = variable
    assert told(client) == []


def test_a_private_repository_is_not_asked_about(github, client):
    github.runners = ["gpu-1"]
    assert told(client, Place("acme/flights", True, "private", "team", "")) == []
    assert github.asked == []


def test_a_variable_that_the_token_may_not_see_counts_as_a_reason_to_be_careful(github, client):
    github.scripted = [(200, {"total_count": 0, "runners": []}, {}), (403, {"message": "Resource not accessible"}, {})]
    assert told(client) == [(LINE, "")]


def test_a_value_that_is_no_json_is_named_before_a_job_fails_for_it(github, client):
    github.variables["TRAIN_RUNNER"] = "gpu"
    with pytest.raises(GitHubError, match=r"TRAIN_RUNNER is gpu, which is no JSON: a label in quotes is needed"):
        told(client)


def test_a_server_that_does_not_know_the_setting_is_left_as_it_is(github, client):
    github.runners = ["gpu-1"]
    listed = (200, {"total_count": 1, "runners": [{"name": "gpu-1"}]}, {})
    missing = (404, {"message": "Not Found"}, {})
    github.scripted = [listed, missing, (200, {"variables": []}, {}), missing]
    assert told(client) == []
