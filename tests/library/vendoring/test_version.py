"""The library's version rises whenever the library changes: projects tell versions apart by it.

`versions.json` has the SHA-256 of the wheel of each version. A line of it that main has already is never changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from library.vendoring import raise_version
from library.vendoring.conftest import SOURCE
from modelyard.errors import YardError
from modelyard.git import find_commit, git, read_blob
from modelyard.vendoring import wheel

from projects import ROOT

VERSIONS = ROOT / raise_version.VERSIONS
MEND = "the library changed: `make raise` raises its version and records the new one"


def published(root: Path, path: Path) -> dict[str, str]:
    """The versions that main has; on main itself, those of the commit before. None where Git does not tell."""
    try:
        head = find_commit(root, "HEAD")
        main = find_commit(root, "origin/main") or find_commit(root, "main")
        base = git(root, "merge-base", "HEAD", main).strip() if main else head
        if base == head and not git(root, "status", "--porcelain", "--", str(path)).strip():
            base = find_commit(root, "HEAD~1")
        found = read_blob(root, base, path.relative_to(root).as_posix()) if base else None
    except YardError:  # no repository, as in an archive of the template
        found = None
    return json.loads(found or b"{}")


def test_the_version_rises_with_the_library():
    name, content = wheel.build(SOURCE)
    version = name.split("-")[1]
    digest = hashlib.sha256(content).hexdigest()
    versions = json.loads(VERSIONS.read_text())
    assert versions.get(version) == digest, MEND


def test_no_version_that_main_has_is_changed():
    versions = json.loads(VERSIONS.read_text())
    changed = {name: digest for name, digest in published(ROOT, VERSIONS).items() if versions.get(name) != digest}
    assert changed == {}, MEND


@pytest.mark.parametrize("on_main", [True, False])
def test_a_change_of_a_line_that_main_has_is_noticed(tmp_path, on_main):
    who = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    path = tmp_path / "versions.json"
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for number in (1, 2):
        path.write_text(json.dumps({"1.0.0": f"digest {number}"}))
        git(tmp_path, "add", "--all")
        git(tmp_path, *who, "commit", "--quiet", "--message", str(number))
        if number == 1 and not on_main:
            git(tmp_path, "checkout", "--quiet", "-b", "branch")
    assert published(tmp_path, path) == {"1.0.0": "digest 1"}
    path.write_text("{}")
    assert published(tmp_path, path) == {"1.0.0": "digest 2" if on_main else "digest 1"}


def test_raise_writes_the_next_version_in_each_place_and_records_its_wheel(tmp_path):
    for name in raise_version.PLACES[2:]:
        (tmp_path / name).write_text((ROOT / name).read_text())
    shutil.copytree(SOURCE, tmp_path / raise_version.LIBRARY, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    (tmp_path / raise_version.VERSIONS).parent.mkdir(parents=True)
    (tmp_path / raise_version.VERSIONS).write_text('{"0.9.0": "a digest"}')
    raise_version.set_version(tmp_path, raise_version.next_patch("1.2.9"))
    said = raise_version.record(tmp_path)
    assert all('"1.2.10"' in (tmp_path / name).read_text() for name in raise_version.PLACES)
    digest = hashlib.sha256(wheel.build(tmp_path / raise_version.LIBRARY)[1]).hexdigest()
    assert json.loads((tmp_path / raise_version.VERSIONS).read_text()) == {"0.9.0": "a digest", "1.2.10": digest}
    assert said == f"modelyard 1.2.10: {digest}"
