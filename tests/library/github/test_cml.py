from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from modelyard.github import cml

HEAD = "0123456789abcdef0123456789abcdef01234567"


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put a `cml` on the PATH that runs this Python."""
    path = folder / "bin/cml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!{sys.executable} -S\nimport json, os, sys, time\n{code}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


@pytest.fixture(autouse=True)
def unnamed(monkeypatch):
    """No CML is named in the environment."""
    monkeypatch.delenv("CML", raising=False)


def run(timeout: float = 60) -> str | None:
    return cml.run("# Report", 7, HEAD, "acme/flights", "a-secret-token", timeout)


def test_the_watermark_is_the_one_that_cml_writes():
    image = f"https://cml.dev/watermark.png#{HEAD}"
    assert cml.mark(HEAD) == f'![]({image} "CML watermark model-report")'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"text\n\n{cml.mark(HEAD)}", True),
        (f"text\n\n{cml.mark('deadbeef')}\nmore", True),
        ('![](https://cml.dev/watermark.png#0a "CML watermark other")', False),
        ('![](https://cml.dev/watermark.png "CML watermark model-report")', False),
        ("text", False),
        (None, False),
    ],
)
def test_a_comment_is_known_by_its_watermark_of_any_commit(body, expected):
    assert cml.is_marked(body) is expected


def test_cml_would_take_the_last_of_the_first_thirty():
    comments = [{"id": number, "body": cml.mark(HEAD) if number in (3, 20, 31) else "x"} for number in range(40)]
    assert cml.would_update(comments) is comments[20]
    assert cml.would_update(comments[21:31]) is None
    assert cml.would_update([]) is None


def test_cml_gets_the_report_the_place_and_no_leave_to_publish(tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    program(tmp_path, monkeypatch, f"json.dump([sys.argv[1:], open(sys.argv[-1]).read()], open({str(seen)!r}, 'w'))")
    assert run() is None
    arguments, text = json.loads(seen.read_text())
    assert arguments[:-1] == [
        "comment",
        "update",
        "--no-publish",
        "--target=pr/7",
        "--repo=https://github.com/acme/flights",
        "--watermark-title=model-report",
    ]
    assert text == "# Report"


def test_cml_gets_a_home_of_its_own_and_no_secret_but_the_token(tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    monkeypatch.setenv("CLOUD_KEY", "secret")
    monkeypatch.setenv("CML_COMMENT_PUBLISH", "true")
    monkeypatch.setenv("GITHUB_SHA", "of main")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.example")
    program(tmp_path, monkeypatch, f"json.dump([dict(os.environ), sys.argv], open({str(seen)!r}, 'w'))")
    assert run() is None
    environment, arguments = json.loads(seen.read_text())
    assert "--repo=https://git.example/acme/flights" in arguments
    assert environment["ITERATIVE_DO_NOT_TRACK"] == "1"
    assert (environment["GITHUB_TOKEN"], environment["GITHUB_SHA"]) == ("a-secret-token", HEAD)
    assert environment["HOME"] != os.environ["HOME"]
    assert not Path(environment["HOME"]).exists()
    assert not environment.keys() & {"CLOUD_KEY", "CML_COMMENT_PUBLISH"}
    assert not any("a-secret-token" in argument for argument in arguments)


def test_what_cml_said_when_it_failed_is_told_without_the_token(tmp_path, monkeypatch):
    code = "print('bad token', os.environ['GITHUB_TOKEN'], file=sys.stderr); sys.exit(3)"
    program(tmp_path, monkeypatch, code)
    assert run() == "cml ended with 3: bad token ***"


def test_a_silent_failure_is_told(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "sys.exit(1)")
    assert run() == "cml ended with 1: it printed nothing"


def test_cml_is_not_waited_for_without_end_nor_are_its_children(tmp_path, monkeypatch):
    beats = tmp_path / "beats"
    beat = f"import time\nwhile True:\n    open({str(beats)!r}, 'a').write('.')\n    time.sleep(0.02)"
    program(tmp_path, monkeypatch, f"import subprocess\nsubprocess.run([sys.executable, '-S', '-c', {beat!r}])")
    began = time.monotonic()
    assert run(timeout=2) == "cml did not finish in 2 seconds"
    assert time.monotonic() - began < 20
    beaten = beats.stat().st_size
    time.sleep(0.3)
    assert 0 < beats.stat().st_size == beaten


def test_without_cml_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run() == "cml is not on the PATH"


def test_the_cml_that_is_named_goes_before_the_one_on_the_path(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "sys.exit(1)")
    (tmp_path / "bin/cml").rename(tmp_path / "other")
    program(tmp_path, monkeypatch, "sys.exit(2)")
    monkeypatch.setenv("CML", str(tmp_path / "other"))
    assert run() == "cml ended with 1: it printed nothing"
    monkeypatch.setenv("CML", "")
    assert run() == "cml ended with 2: it printed nothing"


def test_a_script_is_run_with_node(tmp_path, monkeypatch):
    program(tmp_path, monkeypatch, "sys.exit(len(sys.argv))")
    (tmp_path / "bin/cml").rename(tmp_path / "bin/node")
    script = tmp_path / "cml.js"
    script.write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CML", "cml.js")
    assert run() == "cml ended with 9: it printed nothing"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run() == "node is not on the PATH"


def test_a_cml_that_is_named_and_not_there_is_told(monkeypatch):
    monkeypatch.setenv("CML", "nowhere/cml.js")
    assert run() == "CML is nowhere/cml.js, and there is no such file"


def test_a_cml_that_cannot_be_started_is_told(tmp_path, monkeypatch):
    path = tmp_path / "cml"
    path.write_text("#!/nowhere/python\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run() == "cml cannot be run: No such file or directory"
