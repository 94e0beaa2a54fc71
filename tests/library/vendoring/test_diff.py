"""`diff` shows what changed between two wheels, and hides nothing."""

from __future__ import annotations

import pytest
from library.vendoring.conftest import Vendored, change_wheel
from modelyard.errors import YardError
from modelyard.vendoring.diff import compare, read_wheel


def lock_as_it_is(project: Vendored) -> None:
    assert project.uv("lock", "--quiet", "--upgrade-package", "modelyard").returncode == 0


def test_a_change_is_shown_with_its_file_and_its_lines(vendored, tmp_path):
    old = tmp_path / "old.whl"
    old.write_bytes(vendored.wheel.read_bytes())
    change_wheel(vendored, "judging/gate.py", '"""', '"""Changed. ')
    done = vendored.yard("diff", str(old))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["--- old/src/modelyard/judging/gate.py", "+++ new/src/modelyard/judging/gate.py"]
    assert any(line.startswith('+"""Changed. ') for line in lines)
    assert not any(line.startswith("--- ") for line in lines[1:])


def test_equal_versions_are_said_to_be_equal(vendored):
    assert vendored.yard("diff", str(vendored.wheel)).stdout == "The two versions are equal.\n"


def test_of_two_wheels_neither_is_the_vendored_one(vendored, tmp_path):
    for name in ("old.whl", "new.whl"):
        (tmp_path / name).write_bytes(vendored.wheel.read_bytes())
        change_wheel(vendored, "markdown.py", '"""', '"""Changed. ')
    done = vendored.yard("diff", str(tmp_path / "old.whl"), str(tmp_path / "new.whl"))
    assert done.stdout.splitlines()[1] == "+++ new/src/modelyard/markdown.py"


def test_added_and_removed_files_are_shown():
    lines = list(compare({"a.py": b"one\n"}, {"b.py": b"two\n"}))
    assert lines == [
        *("--- old/a.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-one"),
        *("--- /dev/null", "+++ new/b.py", "@@ -0,0 +1 @@", "+two"),
    ]


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\x1b[1A\x1b[2K", r"\x1b[1A\x1b[2K"),
        ("a\rb", r"a\rb"),
        ("\u202eevil", r"\u202eevil"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("one\x0cline\u2028", r"one\x0cline\u2028"),
    ],
)
def test_what_a_terminal_would_hide_is_escaped(hidden, shown):
    assert list(compare({"a": b""}, {"a": f"{hidden}\n".encode()}))[-1] == f"+{shown}"


def test_ordinary_text_stays_as_it_is():
    assert list(compare({"a": b""}, {"a": "\tnaïve 価格\n".encode()}))[-1] == "+\tnaïve 価格"


def test_a_revision_is_compared_by_its_wheel(locked):
    change_wheel(locked, "judging/gate.py", '"""', '"""Changed. ')
    locked.git("commit", "--quiet", "--all", "--message", "Change the library")
    lock_as_it_is(locked)
    for arguments in (["HEAD~1"], ["HEAD~1", "HEAD"], ["--ref", "HEAD~1"]):
        done = locked.yard("diff", *arguments)
        assert done.stdout.startswith("--- old/src/modelyard/judging/gate.py\n"), (arguments, done)


def test_with_a_trusted_revision_its_own_wheel_compares(locked):
    change_wheel(locked, "vendoring/diff.py", "lines = list(compare(sources(old), sources(new)))", "lines = []")
    locked.git("commit", "--quiet", "--all", "--message", "Hide a change")
    lock_as_it_is(locked)
    assert "are equal" in locked.yard("diff", "HEAD~1").stdout  # what a wheel says of itself
    shown = locked.yard("diff", "--ref", "HEAD~1").stdout
    assert "--- old/src/modelyard/vendoring/diff.py" in shown
    locked.git("checkout", "--quiet", "-b", "branch")
    locked.git("checkout", "--quiet", "--force", "-B", "main", "HEAD~1")
    assert "--- old/src/modelyard/vendoring/diff.py" in locked.yard("diff", "HEAD", "branch").stdout


def test_what_cannot_be_compared_is_named(locked, monkeypatch):
    monkeypatch.chdir(locked.root)
    with pytest.raises(YardError, match=r"^missing\.whl: No such file or directory$"):
        read_wheel("missing.whl")
    with pytest.raises(YardError, match=r"^nowhere is neither a wheel file \(\*\.whl\) nor a Git revision here$"):
        read_wheel("nowhere")
    locked.git("rm", "--quiet", str(locked.wheel))
    locked.git("commit", "--quiet", "--message", "Remove the wheel")
    with pytest.raises(YardError, match=r"has 0 wheels modelyard-\*\.whl in vendor/; one is needed"):
        read_wheel("HEAD")


def test_one_old_side_is_needed(vendored):
    assert "give OLD or --ref" in vendored.yard("diff").stderr
