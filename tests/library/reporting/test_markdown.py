from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt
from modelyard.markdown import code, cut, interval, number, prose, verbatim

HOSTILE = [
    "a|b",
    "`tick`",
    "``",
    "`a",
    "<script>alert(1)</script>",
    "</details>",
    "&lt;b&gt;",
    "**bold** _it_ ~~no~~",
    "[text](https://example.org)",
    "![picture](x)",
    "# title",
    "\\",
    "\\|",
    "ünï 中文 🎉",
    "$\\alpha$",
    "* point",
    "1. first",
]


def rendered(text: str) -> str:
    """What a reader sees, and the code in angle brackets."""
    inner = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).renderInline(text)
    assert set(re.findall(r"</?(\w+)", inner)) <= {"code"}, inner
    return html.unescape(re.sub(r"</?code>", "", inner)).replace("\u2060", "")


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_shown_as_it_is(text):
    assert rendered(code(text)) == text.strip()
    if "`" not in text:
        assert rendered(prose(text)) == text


@pytest.mark.parametrize("text", ["line\nbreak", "line\r\nbreak", "line\u2028break", "line\x00break", "line\t break "])
def test_text_stays_on_one_line(text):
    assert cut(text, 60) == "line break"


def test_a_character_that_turns_the_direction_of_text_is_dropped():
    assert cut("a\u202eb", 60) == "a b"


def test_a_long_text_is_cut():
    assert cut("x" * 61, 60) == "x" * 59 + "…"
    assert cut("x" * 60, 60) == "x" * 60


def test_what_prose_has_in_backticks_is_code():
    assert prose("see `require: not_worse`") == "see `require: not_worse`"
    assert prose("a ` b") == "a \\` b"


def test_an_underscore_within_a_name_is_left_alone():
    assert prose("log_loss of __init__") == "log_loss of \\_\\_init\\_\\_"


@pytest.mark.parametrize("text", ["@someone", "to @org/team", "#12", "https://example.org", "www.example.org"])
def test_prose_mentions_nobody_and_links_nowhere(text):
    parted = prose(text)
    assert not re.search(r"@\w|#\d|://|www\.", parted)
    assert rendered(parted) == text


def test_lines_are_shown_as_they_are_in_a_block():
    (token,) = MarkdownIt().parse(verbatim("one\n```\n@two <b>\x1b"))
    assert token.content == "one\n```\n@two <b>\n"


def test_a_block_of_lines_is_cut():
    assert len(verbatim("\n".join(["x" * 100] * 100), 500)) < 620
    assert len(verbatim("x" * 9000, 500)) < 520


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.12345, "0.1235"),
        ("0.5", "0.5000"),
        (-0.00001, "0.0000"),
        (None, "-"),
        ("", "-"),
        (float("nan"), "-"),
        (float("inf"), "-"),
        (123456789.0, "1.23e+08"),
    ],
)
def test_a_number_has_four_decimals_and_the_undefined_is_a_dash(value, shown):
    assert number(value) == shown


def test_a_difference_has_a_sign_and_a_tiny_one_does_not_read_as_zero():
    shown = [number(one, signed=True) for one in (0.02, -0.02, 0.00001, 0)]
    assert shown == ["+0.0200", "-0.0200", "+1e-05", "+0.0000"]


def test_an_interval_is_shown_by_its_ends():
    assert interval(0.1, 0.2) == "0.1000 to 0.2000"
    assert interval(-0.1, 0.2, signed=True) == "-0.1000 to +0.2000"
    assert interval(None, None) == "-"
