"""The charts of a comment, taken by the real Mermaid in a real Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys

import pytest
from browser.chromium import content
from browser.comment import charts, comment_page, diagrams

from projects import BIN, ROOT, run

# Charts with the worst of titles and names, and numbers of any size
RANDOM = """
import json, random
from modelyard.reporting.charts import Bars, Curves
from modelyard.reporting.mermaid import mermaid

seeded = random.Random(3)
parts = [
    '"', "'", "`", "%%", "%%{init: {}}%%", ";", "#", "#quot;", "&amp;", "<b>", "]", "[", "-->", "---", "\\n", "$x$",
    "line [1]", "xychart-beta", "title", "{", "}", "|", "中文", "ünï", "🎉", "\\u202e", "\\x00", " ", "b_c", "\\\\",
]

def text():
    return "".join(seeded.choices(parts, k=seeded.randint(0, 8)))

def numbers(count):
    return [seeded.gauss(0, 1) * 10.0 ** seeded.randint(-12, 12) for _ in range(count)]

def line():
    return sorted(numbers(5)), numbers(5)

blocks = []
while len(blocks) < 200:
    bars = Bars(text(), text(), [text() for _ in range(9)], numbers(9), [0.0] * 9)
    curves = Curves(text(), text(), text(), {"this": line(), "main": line()}, diagonal=True)
    blocks += filter(None, map(mermaid, (bars, curves)))
print(json.dumps(blocks))
"""

pytestmark = [
    pytest.mark.xdist_group("comments"),
    # a person's machine may have no browser, the one that judges a change has
    pytest.mark.skipif(not (shutil.which("chromium") or os.environ.get("CI")), reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def comments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The comments that the tests of reports make: for each task, with and without a champion, and a huge one."""
    folder = tmp_path_factory.mktemp("comments") / "tests"
    chosen = "reviewer or whatever_its_task or gate_writes or under_the_limit"
    command = [BIN / "pytest", "tests/library/reporting/test_report.py", "-k", chosen, "-p", "no:cacheprovider"]
    assert "6 passed" in run([*command, f"--basetemp={folder}"], ROOT)
    return [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("report.md"))]


def test_mermaid_takes_every_chart_of_every_comment(comments: list[str]) -> None:
    blocks = sorted({block for comment in comments for block in charts(comment)})
    titles = {re.findall('title "(.*)"', block)[0] for block in blocks}
    assert titles == {"Calibration", "ROC", "Precision and recall", "Importance"}
    assert len(blocks) > 10
    assert sum(comment.count("```mermaid\n") for comment in comments) == sum(len(charts(one)) for one in comments)
    for version, found in diagrams(blocks).items():
        assert dict(zip(blocks, found, strict=True)) == dict.fromkeys(blocks, "xychart"), version


def test_mermaid_takes_charts_with_any_text_and_numbers_of_any_size() -> None:
    blocks = json.loads(run([sys.executable, "-c", RANDOM], ROOT).splitlines()[-1])
    for version, found in diagrams(blocks).items():
        assert {block: one for block, one in zip(blocks, found, strict=True) if one != "xychart"} == {}, version


def test_a_comment_is_drawn_as_it_is_shown(comments: list[str]) -> None:
    comment = max(comments, key=lambda one: len(charts(one)))
    shown = content(comment_page(comment))
    drawn = re.findall('<pre class="mermaid" data-processed="true"><svg (?:(?!</pre>).)*</svg></pre>', shown, re.DOTALL)
    assert len(drawn) == len(charts(comment)) == 4
    assert not any("Syntax error" in one for one in drawn)
    assert shown.count("<table>") > 5
