from __future__ import annotations

import pytest
from modelyard.github.api import GitHubError
from modelyard.releasing.registry.policy import TABLE, ReleasePolicy, read_release_policy
from sample import SAMPLE

SIGNED = ReleasePolicy(signed_tags=True)


def test_the_settings_of_a_new_project_ask_for_nothing():
    text = (SAMPLE / "pyproject.toml").read_text()
    assert f"[{TABLE}]" in text
    assert read_release_policy(text, "pyproject.toml") == ReleasePolicy()


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", ReleasePolicy()),
        ('[project]\nname = "flights"\n', ReleasePolicy()),
        (f"[{TABLE}]\n", ReleasePolicy()),
        ("[tool.modelyard]\nrelease = {}\n", ReleasePolicy()),
        (f"[{TABLE}] # of a tag\nsigned_tags = true # always\n[tool.other]\n", SIGNED),
        ("[tool.modelyard]\nrelease = {signed_tags = true}\n", SIGNED),
        (
            "[tool.modelyard]\nrelease.annotated_tags = true\nrelease.signed_tags = false\n",
            ReleasePolicy(annotated_tags=True),
        ),
        ('[tool."modelyard".release]\n"signed_tags" = true\n', SIGNED),
    ],
)
def test_each_form_of_toml_is_understood(text, policy):
    assert read_release_policy(text, "pyproject.toml") == policy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("signed_tags = 'yes'", r"tool\.modelyard\.release\.signed_tags is 'yes': true or false is allowed"),
        ("signed_tags = 1", r"tool\.modelyard\.release\.signed_tags is 1: true or false is allowed"),
        (
            "accepted_faults = 'x'",
            r"tool\.modelyard\.release\.accepted_faults is 'x': a list of lines of `make history` is allowed",
        ),
        (
            "accepted_faults = [1]",
            r"tool\.modelyard\.release\.accepted_faults is \[1\]: a list of lines of `make history` is allowed",
        ),
        ("annotated_tags = [true]", r"tool\.modelyard\.release\.annotated_tags is \[True\]: true or false is allowed"),
        (
            "signed = true",
            r"tool\.modelyard\.release\.signed is True: no such key, annotated_tags, signed_tags and ",
        ),
        ("more.signed_tags = true", r"signed_tags is in tool\.modelyard\.release\.more; it is allowed in \[tool\.mod"),
        ("signed_tags = True", "is no valid TOML: "),
        ("signed_tags = true\nsigned_tags = false", "is no valid TOML: "),
    ],
)
def test_what_could_be_misunderstood_is_refused(text, said):
    with pytest.raises(GitHubError, match=rf"pyproject\.toml of main.* {said}"):
        read_release_policy(f"[{TABLE}]\n{text}\n", "pyproject.toml of main")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[tool.modelyard]\nrelease = true\n",
            "is True: a table with annotated_tags, signed_tags and accepted_faults is",
        ),
        ("[tool]\nmodelyard = 3\n", "is 3: a table with"),
        (
            "[tool.modelyard.relase]\nsigned_tags = true\n",
            r"signed_tags is in tool\.modelyard\.relase; it is allowed",
        ),
        ("[tool.modelyard]\nsigned_tags = true\n", r"signed_tags is in tool\.modelyard; it is allowed in"),
        ("signed_tags = true\n", "signed_tags is in no table; it is allowed in"),
    ],
)
def test_a_slip_in_the_name_of_the_table_switches_no_signature_off(text, said):
    with pytest.raises(GitHubError, match=said):
        read_release_policy(text, "pyproject.toml")
