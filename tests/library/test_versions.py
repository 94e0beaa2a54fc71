from __future__ import annotations

import itertools

import pytest
from modelyard.versions import VersionError, find_version, parse_version, read_version

# in the order of semver.org, rule 11
BEFORE = ["1", "2", "11", "alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1"]
RISING = ["v0.9.0", *(f"v1.0.0-{pre}" for pre in BEFORE), "v1.0.0", "v1.0.1", "v1.9.0", "v1.10.0"]


def test_versions_are_ordered_as_semver_says():
    for low, high in itertools.combinations(map(read_version, RISING), 2):
        assert low < high, (low, high)
        assert not high <= low, (low, high)


def test_a_version_gives_its_tag_again():
    assert [read_version(tag).tag for tag in RISING] == RISING


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("v1.2.0!", "withdraws a version"),
        ("v1.2.0!#3", "withdraws a version"),
        ("v1.2.0+5", "leave out what comes after the +"),
        ("1.2.0", "tag v1.2.0 instead"),
        ("v1.2", "is no version"),
        ("v01.2.0", "is no version"),
        ("v1.2.0-01", "is no version"),
        ("v1.2.0\n", "is no version"),
        ("v1.2.٣", "is no version"),
        ("v1.2.0-" + "a" * 100, "is no version"),
        ("flights@v1.2.0", "is no version"),
        ("", "is no version"),
    ],
)
def test_what_is_no_version_is_refused_with_the_reason(tag, said):
    assert find_version(tag) is None
    with pytest.raises(VersionError, match=said.replace("+", r"\+")):
        read_version(tag)


def test_a_version_is_read_without_its_v_too():
    assert parse_version("1.2.0-rc.1") == find_version("v1.2.0-rc.1")
    assert parse_version("v1.2.0") is None


@pytest.mark.parametrize(
    ("text", "can"),
    [("1.2.0", True), ("1.2.0-rc.1", True), ("1.2.0-beta2", True), ("1.2.0-rc", False), ("1.2.0-1", False)],
)
def test_a_package_of_python_has_few_pre_releases(text, can):
    assert parse_version(text).can_be_packaged is can
