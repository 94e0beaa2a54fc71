from __future__ import annotations

import pytest
from modelyard.deploying.failure import DeployError
from modelyard.deploying.serving import beside, borrowed, configured, releases, repository
from modelyard.deploying.state import DeployedVersion, State, Variant
from modelyard.judging.serving import Serving, SplitPolicy

FOUND = {
    "models": {"late": {"bundle": None, "fallback": None, "shadow": None, "split": None}, "other": {"bundle": "/o"}},
    "default": "late",
    "workers": 1,
}
SPLIT = SplitPolicy("v1.1.0", "X-Customer", 0.1)


def test_what_policy_says_goes_to_the_main_model_and_the_rest_stays():
    made = configured(FOUND, "serving.json", Serving(50.0, "v1.0.0", "v1.3.0-rc.1", SPLIT))
    assert made == {
        **FOUND,
        "deadline_ms": 50.0,
        "models": {
            "late": {
                "bundle": None,
                "fallback": "/var/lib/bundles/1.0.0",
                "shadow": "/var/lib/bundles/1.3.0-rc.1",
                "split": {"bundle": "/var/lib/bundles/1.1.0", "key": "X-Customer", "share": 0.1},
            },
            "other": {"bundle": "/o"},
        },
    }
    assert FOUND["models"]["late"]["shadow"] is None
    assert configured({"models": {"only": None}}, "", Serving(shadow="v1.0.0"))["models"] == {
        "only": {"shadow": "/var/lib/bundles/1.0.0"}
    }


def test_a_policy_that_says_nothing_changes_nothing():
    assert configured(FOUND, "serving.json", Serving()) == FOUND


@pytest.mark.parametrize(
    ("found", "policy", "said"),
    [
        (
            {**FOUND, "deadline_ms": 5},
            Serving(50.0),
            "s.json: deadline_ms is 5, and policy.yaml says serving.deadline_ms",
        ),
        (
            {"models": {"late": {"shadow": "/s"}}},
            Serving(shadow="v1.0.0"),
            "s.json: models.late.shadow is '/s', and policy.yaml says serving.shadow too: remove one of them",
        ),
        ({"models": {}}, Serving(split=SPLIT), "s.json: default is None, which is none of the models: none"),
        (
            {**FOUND, "default": "lat"},
            Serving(split=SPLIT),
            "default is 'lat', which is none of the models: late, other",
        ),
    ],
)
def test_what_contradicts_the_policy_is_refused(found, policy, said):
    with pytest.raises(DeployError) as refused:
        configured(found, "s.json", policy)
    assert said in str(refused.value)


@pytest.mark.parametrize("version", ["1.1.0", "v1.1.0"])
def test_a_version_does_not_stand_beside_itself(version):
    policy = Serving(50.0, "v1.1.0", "v1.0.0", SPLIT)
    assert beside(policy, DeployedVersion("x", version)) == Serving(50.0, None, "v1.0.0", None)
    assert beside(policy, DeployedVersion("x", "1.2.0")) == policy


def test_an_image_is_the_known_one_or_the_tag_beside_the_releases_own():
    known = [DeployedVersion("ghcr.io/me/x@sha256:1", "v1.1.0")]
    policy = Serving(fallback="v1.1.0", shadow="v1.3.0-rc.1", split=SPLIT)
    assert borrowed(policy, DeployedVersion("ghcr.io/me/x@sha256:2", "1.2.0"), known) == {
        "1.1.0": "ghcr.io/me/x@sha256:1",
        "1.3.0-rc.1": "ghcr.io/me/x:1.3.0-rc.1",
    }
    assert borrowed(Serving(), DeployedVersion("x", "1.2.0"), known) == {}


def test_the_name_of_an_image_may_have_a_port():
    assert repository("127.0.0.1:5000/me/x:1.2.0@sha256:1") == "127.0.0.1:5000/me/x"
    assert repository("127.0.0.1:5000/x") == "127.0.0.1:5000/x"
    assert repository("x:1") == "x"


def test_a_stage_remembers_what_serves_and_served():
    one, two, three = (DeployedVersion(str(number), f"{number}.0.0") for number in range(3))
    state = State(Variant(one, (two,), True), Variant(three, (), True))
    assert releases(state) == [one, two, three]
    assert releases(State()) == []
