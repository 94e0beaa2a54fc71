from __future__ import annotations

import html.parser
import re

import pytest
from modelyard.reporting.charts import Bars
from modelyard.reporting.document import Section, Table
from modelyard.reporting.page import page
from modelyard.reporting.report import report

HOSTILE = "<script>alert(1)</script>"


class Tags(html.parser.HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


@pytest.fixture
def whole(project):
    project.judge()
    return page(report(project.gather()), "flights")


def test_the_page_loads_nothing_and_runs_nothing(whole):
    tags = Tags(whole)
    assert {"table", "svg", "title"} <= {tag for tag, _ in tags.found}
    assert not {"script", "link", "img", "iframe", "object", "image"} & {tag for tag, _ in tags.found}
    links = [attributes["href"] for tag, attributes in tags.found if tag == "a"]
    assert links
    assert all(re.fullmatch(r"#s\d+", link) for link in links)  # to its own sections
    for _, attributes in tags.found:
        local = {name: value or "" for name, value in attributes.items() if not name.startswith("xmlns")}
        assert not any(re.search(r"https?:|^//", value) for value in local.values())
        assert not any(name.startswith("on") for name in local)
    assert not re.search(r"@import|url\((?!#)", whole)
    assert "default-src 'none'" in whole


def test_the_page_has_plots_where_the_comment_has_mermaid(whole):
    tags = [tag for tag, _ in Tags(whole).found]
    assert tags.count("svg") > 3  # beside these three the slices, and the inputs that moved
    assert all(f'aria-label="{title}"' in whole for title in ("Calibration", "ROC", "Importance"))
    assert "mermaid" not in whole
    assert "xychart" not in whole


def test_signs_are_drawn_without_a_font_for_them(whole):
    assert '<section id="s0" class="verdict bad">' in whole
    assert '<i class="sign bad">✗</i>' in whole
    assert not set("✅❌⛔⚠🟢🔴⚪") & set(whole)


def test_a_sign_in_a_name_breaks_no_attribute():
    chart = Bars('✅ "late"', "loss", ["✅"], [0.2], [0.1])
    drawn = page([Section("Importance", [chart])], "flights")
    assert 'aria-label="✅ &quot;late&quot;"' in drawn


def test_the_same_report_gives_the_same_page(project):
    project.judge()
    assert page(report(project.gather()), "flights") == page(report(project.gather()), "flights")


def test_a_table_has_all_of_its_rows_on_the_page():
    table = Table(["name"], [[f"row {number}"] for number in range(100)], shown=3)
    assert page([Section("Rows", [table])], "").count("<td>row ") == 100


def test_hostile_text_stays_text_in_title_table_and_plot():
    bars = Bars(HOSTILE, "", [HOSTILE], [1.0], [0.0])
    made = page([Section(HOSTILE, [HOSTILE, Table([HOSTILE], [[HOSTILE]]), bars])], HOSTILE)
    assert "<script" not in made
    assert made.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6


def test_the_page_is_readable_in_the_dark(whole):
    assert "@media (prefers-color-scheme: dark)" in whole
    assert "color-scheme: light dark" in whole
