from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from modelyard.github.api import GitHubError
from modelyard.github.cml import is_marked, mark
from modelyard.github.untrusted import CUT, LIMIT, ReportOrigin, cut, harmless, length, read_origin, read_report

HEAD = "0123456789abcdef0123456789abcdef01234567"
ABOVE = "**The checks passed.**"


def origin(folder: Path, text: str) -> ReportOrigin:
    (folder / "pull-request.json").write_text(text)
    return read_origin(folder)


def report(folder: Path, text: str | bytes) -> str:
    (folder / "report.md").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_report(folder, HEAD, ABOVE).removeprefix(f"{ABOVE}\n\n")


def test_number_and_head_are_read(tmp_path):
    assert origin(tmp_path, json.dumps({"number": 7, "head": HEAD})) == ReportOrigin(7, HEAD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "[]",
        "{}",
        "[" * 3000,
        '{"number": 7}',
        json.dumps({"number": 7, "head": HEAD, "more": 1}),
        json.dumps({"number": 7, "head": HEAD}) + " " * 5000,
        json.dumps({"number": "7", "head": HEAD}),
        json.dumps({"number": True, "head": HEAD}),
        json.dumps({"number": 7.0, "head": HEAD}),
        json.dumps({"number": 0, "head": HEAD}),
        json.dumps({"number": -7, "head": HEAD}),
        json.dumps({"number": 2**31, "head": HEAD}),
        json.dumps({"number": 7, "head": HEAD[:-1]}),
        json.dumps({"number": 7, "head": HEAD.upper()}),
        json.dumps({"number": 7, "head": HEAD + "\n"}),
        json.dumps({"number": 7, "head": None}),
        json.dumps({"number": "7/../../1", "head": HEAD}),
    ],
)
def test_anything_else_is_refused(tmp_path, text):
    with pytest.raises(GitHubError, match=r"^pull-request\.json.*nothing is posted$"):
        origin(tmp_path, text)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "pull-request.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(GitHubError, match="nothing is posted"):
        read_origin(tmp_path)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("of the machine")
    (tmp_path / "report.md").symlink_to(tmp_path / "secret")
    with pytest.raises(GitHubError, match=r"report\.md cannot be read"):
        read_report(tmp_path, HEAD, ABOVE)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "report.md")
    with pytest.raises(GitHubError, match="no regular file"):
        read_report(tmp_path, HEAD, ABOVE)


def test_a_folder_is_no_report(tmp_path):
    (tmp_path / "report.md").mkdir()
    with pytest.raises(GitHubError, match=r"report\.md"):
        read_report(tmp_path, HEAD, ABOVE)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_report_is_refused(tmp_path, text):
    with pytest.raises(GitHubError, match="is empty"):
        report(tmp_path, text)


def test_a_missing_report_is_told(tmp_path):
    with pytest.raises(GitHubError, match=r"report\.md cannot be read: No such file"):
        read_report(tmp_path, HEAD, ABOVE)


def test_a_plain_report_stays_as_it_is(tmp_path):
    text = "# Blocked\n\n| a \\| b | `__init__` |\n|-|-|\n\n> [!NOTE]\n> mail me@example.org 5 %, model@v1.2"
    assert report(tmp_path, f"{text}\n") == text


def test_what_is_no_utf_8_is_replaced(tmp_path):
    assert report(tmp_path, b"a\xffb\0c\r\nd") == "a\ufffdb\ufffdc\nd"


@pytest.mark.parametrize(
    "text",
    [
        "@ada look",
        "(@ada)",
        "@acme/team",
        "**@ada**",
        "é@ada",
        "-@ada",
        "\\@ada",
        "a </b>@ada",
        "&#64;ada",
        "&#064;ada",
        "&#x40;ada",
        "&#X0040;ada",
        "&commat;ada",
        "@&#97;da",
        "x&#8203;@ada",
    ],
)
def test_nobody_is_mentioned(text):
    made = harmless(text)
    assert "@\u200b" in made
    assert made.count("@") == made.count("@\u200b")
    assert "&#64" not in made


@pytest.mark.parametrize("text", ["ada@example.org", "flights@v1", "&#640;", "&#x400;", "&amp;#64;"])
def test_what_mentions_nobody_is_left_alone(text):
    assert harmless(text) == text


@pytest.mark.parametrize(
    "text", [mark(HEAD), f"a{mark(HEAD)}b", f"```\n{mark(HEAD)}\n```", mark(HEAD).replace(" watermark", "\nwatermark")]
)
def test_a_forged_watermark_is_none(text):
    assert not is_marked(harmless(text))


def test_a_long_report_is_cut_and_says_so(tmp_path):
    line = "a line of the report that is long enough\n"
    text = report(tmp_path, line * 3000)
    assert text.startswith(CUT)
    assert text.endswith("long enough")
    whole = f"{text}\n\n{mark(HEAD)}"
    assert LIMIT - 2 * len(line) < length(whole) <= LIMIT


def test_a_report_of_just_the_size_is_not_cut(tmp_path):
    room = LIMIT - len(f"{ABOVE}\n\n\n\n{mark(HEAD)}")
    assert report(tmp_path, "a" * room) == "a" * room
    assert report(tmp_path, "a" * (room + 1)) == CUT


def test_letters_outside_the_basic_plane_count_twice(tmp_path):
    text = report(tmp_path, "\U0001f600\n" * 30_000)
    whole = f"{text}\n\n{mark(HEAD)}"
    assert length(whole) <= LIMIT
    assert len(whole) < LIMIT * 0.7


def test_more_than_a_report_can_be_is_not_read(tmp_path):
    (tmp_path / "report.md").write_bytes(b"line\n" * 1_000_000)
    assert length(read_report(tmp_path, HEAD, ABOVE)) < LIMIT


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\nb\nc", "a\nb"),
        ("a\n```mermaid\nb\n```", "a"),
        ("a\n```\n```\nb\nc\nd\ne", "a\n```\n```"),
        ("a\n~~~\n```\n", "a"),
        ("a\n````\n```\n`````", "a"),
    ],
)
def test_a_cut_is_at_a_line_outside_of_any_block(text, kept):
    room = {"a\nb\nc": 4, "a\n```\n```\nb\nc\nd\ne": 11}.get(text, len(text) - 1)
    assert cut(text, room) == kept
