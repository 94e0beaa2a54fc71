from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.github.api import GitHubError
from modelyard.releasing.registry.policy import ReleasePolicy, read_release_policy
from modelyard.judging.policy import read_policy

ROOT = Path(__file__).parents[3]
SIGNED = ReleasePolicy(signed_tags=True)


def test_the_policy_of_this_project_is_read_by_both_readers_alike():
    found = read_release_policy((ROOT / "policy.yaml").read_text(), "policy.yaml")
    asked = read_policy(ROOT / "policy.yaml").release
    assert (found.annotated_tags, found.signed_tags) == (asked.annotated_tags, asked.signed_tags)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", ReleasePolicy()),
        ("floors: {}\n", ReleasePolicy()),
        ("release:\n", ReleasePolicy()),
        ("release: {}\n", ReleasePolicy()),
        ("release: # of a tag\n  signed_tags: true # always\nfloors: {}\n", SIGNED),
        ("floors: {}\nrelease: {signed_tags: true}\n", SIGNED),
        ("release: {annotated_tags: true, signed_tags: false}\n", ReleasePolicy(annotated_tags=True)),
        ("release:\n\n    # yes\n    signed_tags: true\n", SIGNED),
    ],
)
def test_both_forms_are_understood_as_the_parser_understands_them(tmp_path, text, policy):
    (tmp_path / "policy.yaml").write_text(text or "{}\n")
    asked = read_policy(tmp_path / "policy.yaml").release if text != "release:\n" else policy
    assert read_release_policy(text, "policy.yaml") == policy
    assert (asked.annotated_tags, asked.signed_tags) == (policy.annotated_tags, policy.signed_tags)


@pytest.mark.parametrize(
    "text",
    [
        "release:\n  signed_tags: yes\n",
        "release:\n  signed_tags: True\n",
        "release:\n  signed_tags:\n    true\n",
        "release:\n  signed: true\n",
        "release: &a {signed_tags: true}\n",
        "release:\n  signed_tags: true\nrelease:\n  signed_tags: false\n",
        "release:\n  signed_tags: true\n  signed_tags: false\n",
        '"release": {signed_tags: true}\n',
        "release: {\n  signed_tags: true}\n",
        "{release: {signed_tags: true}}\n",
    ],
)
def test_what_could_be_misunderstood_is_refused(text):
    with pytest.raises(GitHubError, match=r"policy.yaml of main: .* is not understood; write the section so"):
        read_release_policy(text, "policy.yaml of main")
