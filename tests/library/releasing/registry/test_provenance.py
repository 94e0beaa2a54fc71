"""Versions that somebody registers by hand, in the form of a release, as `history` names them."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess

import pytest
from library.clones import SETTINGS
from modelyard.releasing.registry.registry import read_registry
from modelyard.releasing.registry.tags import make_tag, message_of, read_tags

OWN = "ghcr.io/ada/flights"


def forge(clone, version: str, commit: str, image: str, **trailers: str) -> None:
    """Make both tags of a version by hand, as `register` would after a release."""
    clone.git("tag", "--annotate", "--message", version, version, commit)
    name, target = f"flights@{version}", clone.git("rev-parse", commit)
    said = {
        "Version": version,
        "Tag": clone.git("rev-parse", f"refs/tags/{version}"),
        "Image": image,
        "Commit": target,
        "Previous": [tag.object for tag in read_registry(read_tags(clone.root), "flights").heads],
    }
    made = make_tag(clone.root, name, target, message_of("x", said | trailers), clone.moment, ("Eve", "eve@x"))
    clone.git("update-ref", f"refs/tags/{name}", made)


def off_main(clone) -> str:
    clone.git("checkout", "--quiet", "-b", "side")
    return clone.commit(push=False)


@pytest.fixture
def owned(clone, monkeypatch):
    """A clone whose releases are of Ada's repository on GitHub, with one released version."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "ada/flights")
    monkeypatch.delenv("IMAGE_REGISTRY", raising=False)
    forge(clone, "v1.0.0", "main", f"{OWN}@sha256:1", Pipeline=f"{OWN}-pipeline@sha256:1")
    return clone


def failed(clone, capsys) -> tuple[list[str], list[str]]:
    """The faults and what is not known, of a history that ends with 1 if it has faults."""
    capsys.readouterr()
    status = 0
    try:
        clone.run("history", "--json")
    except SystemExit as ended:
        status = ended.code
    report = json.loads(capsys.readouterr().out)
    assert status == bool(report["faults"])
    return report["faults"], report["unsure"]


def test_a_version_in_the_form_of_a_release_is_named_if_its_commit_is_not_on_main(owned, capsys):
    assert failed(owned, capsys) == ([], [])
    forge(owned, "v9.9.9", off_main(owned), f"{OWN}@sha256:2")
    (fault,), unsure = failed(owned, capsys)
    assert re.match(r"flights@v9\.9\.9 names \w{7}, which is not on main: unless `git fetch` brings it there, ", fault)
    assert unsure == []
    with pytest.raises(SystemExit):
        owned.run("history")
    shown = capsys.readouterr()
    assert "No version was ever put into a stage.\n\nRegistered: `v1.0.0`, `v9.9.9`" in shown.out
    assert shown.err == "error: 1 fault in the tags of the registry, see above\n"


@pytest.mark.parametrize("key", ["Image", "Pipeline"])
def test_a_version_in_the_form_of_a_release_is_named_if_an_image_is_anothers(key, owned, capsys):
    ours = {"Image": f"{OWN}@sha256:2", "Pipeline": f"{OWN}-pipeline@sha256:2"}
    given = ours | {key: "ghcr.io/attacker/x@sha256:2"}
    forge(owned, "v9.9.9", "main", given["Image"], Pipeline=given["Pipeline"])
    (fault,), unsure = failed(owned, capsys)
    assert fault.startswith("flights@v9.9.9 registers an image in ghcr.io/attacker/x, and this project's are in ")
    assert f" {ours[key].partition('@')[0]} (" in fault
    assert unsure == []


def test_the_owner_of_origin_tells_whose_images_are_the_projects(owned, monkeypatch, capsys):
    monkeypatch.delenv("GITHUB_REPOSITORY")
    owned.git("remote", "set-url", "origin", "git@github.com:ada/flights.git")
    assert failed(owned, capsys) == ([], [])
    owned.git("remote", "set-url", "origin", "https://github.com/eve/flights")
    assert len(failed(owned, capsys)[0]) == 2


def test_images_of_another_registry_are_compared_where_it_is_known(owned, monkeypatch, capsys):
    forge(owned, "v2.0.0", "main", "registry.example.com/models/flights@sha256:2")
    faults_here, (unsure,) = failed(owned, capsys)
    assert faults_here == []
    assert unsure.startswith("whether images in registry.example.com/models/flights are the project's: set IMAGE_REG")
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.example.com/models")
    found, unsure = failed(owned, capsys)
    assert [fault.partition(" ")[0] for fault in found] == ["flights@v1.0.0", "flights@v1.0.0"]  # moved since
    assert unsure == []


def test_a_clone_that_does_not_know_main_accuses_nobody(owned, capsys):
    forge(owned, "v9.9.9", off_main(owned), f"{OWN}@sha256:2")
    owned.git("update-ref", "-d", "refs/remotes/origin/main")
    assert failed(owned, capsys) == ([], ["whether the versions are on main: get it with `git fetch origin main`"])


def test_a_shallow_clone_accuses_nobody(owned, tmp_path, capsys):
    owned.commit()
    owned.git("push", "--quiet", "--tags", "origin")
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", (tmp_path / "at/origin.git").as_uri(), tmp_path / "new"], check=True
    )
    shallow = dataclasses.replace(owned, root=tmp_path / "new")
    shallow.git("fetch", "--quiet", "--depth=1", "--tags")
    found, (unsure,) = failed(shallow, capsys)
    assert found == []
    assert unsure == "whether flights@v1.0.0 is on main, as the clone is shallow: `git fetch --unshallow`"
    shallow.git("fetch", "--quiet", "--unshallow")
    assert failed(shallow, capsys) == ([], [])


def test_what_main_accepts_is_no_fault(owned, capsys):
    forge(owned, "v9.9.9", "main", "ghcr.io/before/flights@sha256:2")
    ((fault,), _) = failed(owned, capsys)
    owned.commit(settings=f"{SETTINGS}[tool.modelyard.release]\naccepted_faults = [{json.dumps(fault)}]\n")
    owned.git("fetch", "--quiet")
    assert failed(owned, capsys) == ([], [])
