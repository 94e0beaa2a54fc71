from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from modelyard.deploying import lend as module
from modelyard.deploying.lend import lend
from modelyard.deploying.scripts import script


@pytest.fixture
def image(tmp_path) -> Path:
    """An environment with a bundle in it."""
    bundle = tmp_path / "venv/lib/python3/site-packages/flights/bundle"
    bundle.mkdir(parents=True)
    (bundle / "manifest.json").write_text("{}")
    (bundle / "model.onnx").write_bytes(b"\0")
    (tmp_path / "bundles").mkdir()
    return tmp_path


def test_the_bundle_of_an_image_is_brought_once(image):
    root = image / "bundles"
    assert lend(str(image / "venv"), "1.1.0", str(root)) == "the bundle of 1.1.0 was copied"
    assert sorted(path.name for path in (root / "1.1.0").iterdir()) == ["manifest.json", "model.onnx"]
    assert lend(str(image / "venv"), "1.1.0", str(root)) == "the bundle of 1.1.0 is there already"


def test_another_bundle_of_that_version_takes_its_place_and_nothing_is_left(image):
    root = image / "bundles"
    (root / "1.1.0").mkdir()
    (root / "1.1.0/manifest.json").write_text('{"of": "another"}')
    (root / ".1.1.0.new").mkdir()  # of one that was killed
    assert lend(str(image / "venv"), "1.1.0", str(root)) == "the bundle of 1.1.0 was copied"
    assert [path.name for path in root.iterdir()] == ["1.1.0"]
    assert (root / "1.1.0/manifest.json").read_text() == "{}"


def test_an_image_without_a_bundle_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"the image of 1\.1\.0 holds no bundle"):
        lend(str(tmp_path), "1.1.0", str(tmp_path))


def test_it_runs_as_text_with_nothing_but_python(tmp_path):
    command = [sys.executable, "-I", "-S", "-c", script("main()", module), "1.1.0", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert "bundle" in done.stdout + done.stderr  # this environment may have one, where the wheel is installed
    assert "Traceback" not in done.stderr
