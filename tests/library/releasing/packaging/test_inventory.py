from __future__ import annotations

import io
import sys
import tarfile

import pytest
from modelyard.releasing.packaging.engine import Docker
from modelyard.releasing.packaging.inventory import read_inventory, take_stock
from modelyard.runtime.contract import ContractError


def test_all_that_is_installed_is_listed(image):
    found = take_stock(image.texts, image.hashes)
    assert (found.python, found.system["ID"]) == ("3.11.9", "debian")
    assert [(one.name, one.version) for one in found.distributions] == [
        ("flight_delays", "1.2.0"),
        ("numpy", "2.4.6"),
        ("uvicorn", "0.54.0"),
    ]
    assert [(one.name, one.version, one.architecture) for one in found.debian] == [("libc6", "2.36-9", "amd64")]
    assert found.debian[0].sums


def test_the_same_files_have_the_same_record_and_others_another(image):
    first = take_stock(image.texts, image.hashes).distributions
    again = take_stock(image.texts, image.hashes).distributions
    assert [one.record for one in first] == [one.record for one in again]
    image.texts = {name: text for name, text in image.texts.items() if "numpy" not in name}
    image.install("numpy", "2.4.7")
    second = {one.version: one.record for one in take_stock(image.texts, image.hashes).distributions}
    assert second["2.4.7"] != first[1].record


def test_a_file_that_is_not_what_was_installed_is_named(image):
    name = next(name for name in image.hashes if name.endswith("numpy.py"))
    image.hashes[name] = "0" * 64
    with pytest.raises(ContractError, match=r"numpy.py in the image is not the file that numpy was installed with"):
        take_stock(image.texts, image.hashes)


def test_an_image_is_read_from_its_export(image, docker, tmp_path):
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as opened:
        for name, content in image.texts.items() | {("etc/passwd", b"root")}:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    docker(("create", "c0ffee\n", 0), ("rm", "", 0))
    client = tmp_path / "bin/docker"
    client.write_text(client.read_text().replace("esac", f"  export*) cat {archive};;\nesac"))
    found = read_inventory(Docker(str(client), False), "x:1.2.0")
    assert [one.name for one in found.distributions] == ["flight_delays", "numpy", "uvicorn"]
    assert (tmp_path / "asked").read_text().splitlines()[-1].strip() == "rm --force c0ffee"


def test_an_export_that_fails_is_said(docker, tmp_path):
    docker(("create", "c0ffee\n", 0), ("rm", "", 0))
    client = tmp_path / "bin/docker"
    empty = f"{sys.executable} -c \"import sys, tarfile; tarfile.open(fileobj=sys.stdout.buffer, mode='w|').close()\""
    client.write_text(client.read_text().replace("esac", f"  export*) {empty}; exit 3;;\nesac"))
    with pytest.raises(ContractError, match=r"`docker export` of x:1\.2\.0 ended with status 3"):
        read_inventory(Docker(str(client), False), "x:1.2.0")
