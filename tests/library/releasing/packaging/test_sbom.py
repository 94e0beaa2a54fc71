from __future__ import annotations

import json

import pytest
from modelyard.errors import ContractError
from modelyard.releasing.packaging.bom import BUNDLE, write
from modelyard.releasing.packaging.inventory import take_stock
from modelyard.releasing.packaging.sbom import locked_library, locked_wheels, sbom

TAGS = frozenset(["cp311-cp311-manylinux_2_28_x86_64"])
NUMPY = "https://example.invalid/numpy-2.4.6-cp311-cp311"
LOCK = """
[[package]]
name = "numpy"
version = "2.4.6"
wheels = [
  { url = "NUMPY-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", hash = "sha256:11" },
  { url = "NUMPY-manylinux_2_28_x86_64.whl", hash = "sha256:22" },
]
[[package]]
name = "flight-delays"
source = { editable = "." }
[[package]]
name = "modelyard"
version = "1.4.0"
source = { path = "vendor/modelyard-1.4.0-py3-none-any.whl" }
wheels = [{ filename = "modelyard-1.4.0-py3-none-any.whl", hash = "sha256:LIBRARY" }]
""".replace("NUMPY", NUMPY).replace("LIBRARY", "a" * 64)
WHEELS = {("numpy", "2.4.6"): {TAGS: "2" * 64}}


@pytest.fixture
def bill(release, image):
    return json.loads(make(release, image))


def make(release, image):
    inventory = take_stock(image.texts, image.hashes)
    return sbom(release, inventory, WHEELS, locked_library(LOCK), "e" * 64, "b" * 64)


def part(bill, name):
    return next(one for one in bill["components"] if one["name"] == name)


def test_the_lock_has_the_hash_of_each_wheel_by_its_tags():
    found = locked_wheels(LOCK)
    assert found.keys() == {("numpy", "2.4.6"), ("modelyard", "1.4.0")}
    assert found["numpy", "2.4.6"][TAGS] == "22"


def test_it_is_cyclonedx_1_6_of_the_commits_time_and_names_image_and_bundle(bill):
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    subject = bill["metadata"]["component"]
    assert (subject["type"], subject["name"], subject["version"]) == ("container", "flight-delays", "1.2.0")
    assert {"name": BUNDLE, "value": "b" * 64} in subject["properties"]


def test_python_packages_have_the_hash_of_their_wheel_and_their_licence(bill):
    numpy = part(bill, "numpy")
    assert numpy["purl"] == "pkg:pypi/numpy@2.4.6"
    assert numpy["hashes"] == [{"alg": "SHA-256", "content": "2" * 64}]
    assert numpy["licenses"] == [{"license": {"id": "BSD-3-Clause"}}] or numpy["licenses"] == [
        {"expression": "BSD-3-Clause"}
    ]
    assert part(bill, "uvicorn")["licenses"] == [{"license": {"name": "BSD License"}}]


def test_the_projects_own_package_is_the_releases_wheel(bill):
    assert part(bill, "flight_delays")["hashes"] == [{"alg": "SHA-256", "content": "e" * 64}]


def test_the_library_inside_the_wheel_has_an_entry_of_its_own(bill):
    library = part(bill, "modelyard")
    assert (library["version"], library["purl"]) == ("1.4.0", "pkg:pypi/modelyard@1.4.0")
    assert library["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert library["licenses"] == [{"license": {"id": "MIT"}}]
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert "pkg:pypi/modelyard@1.4.0" in needs["pkg:pypi/flight-delays@1.2.0"]


def test_a_library_that_is_edited_in_place_has_no_hash():
    lock = '[[package]]\nname = "modelyard"\nversion = "1.4.0"\nsource = { editable = "vendor/modelyard" }\n'
    assert not locked_library(lock).hashes


def test_a_lock_without_the_library_is_refused():
    with pytest.raises(ContractError, match=r"uv\.lock does not list modelyard"):
        locked_library('[[package]]\nname = "numpy"\nversion = "2.4.6"\n')


def test_debian_python_and_the_system_are_in_it(bill):
    assert part(bill, "libc6")["purl"] == "pkg:deb/debian/libc6@2.36-9?arch=amd64"
    assert part(bill, "python")["version"] == "3.11.9"
    assert part(bill, "debian")["type"] == "operating-system"


def test_it_says_what_needs_what(bill):
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert needs["pkg:pypi/flight-delays@1.2.0"] == [
        "pkg:pypi/modelyard@1.4.0",
        "pkg:pypi/numpy@2.4.6",
        "pkg:pypi/uvicorn@0.54.0",
    ]
    assert "pkg:pypi/flight-delays@1.2.0" in needs["image"]


def test_it_comes_out_the_same_each_time(release, image, bill):
    again = make(release, image)
    assert json.loads(again) == bill
    assert again == write(bill)


def test_what_is_no_cyclonedx_is_not_written():
    with pytest.raises(ValueError, match=r"no CycloneDX 1\.6"):
        write({"bomFormat": "CycloneDX", "specVersion": "1.6", "extra": 1})
