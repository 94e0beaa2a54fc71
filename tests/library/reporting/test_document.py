from __future__ import annotations

from modelyard.reporting.charts import Curves, Intervals
from modelyard.reporting.document import LIMIT, Section, Table, to_markdown


def table(rows: int, **settings) -> Table:
    return Table(["name", "value"], [[f"row {number}", f"{number}"] for number in range(rows)], **settings)


def test_columns_of_numbers_are_set_to_the_right():
    numbers = Table(["a", "b", "c"], [["x", "1,000", "8.1 s"], ["y", "-0.5000", "-"]])
    assert numbers.markdown().splitlines()[1] == "| --- | ---: | ---: |"


def test_a_table_shows_its_first_rows_and_says_how_many_more_there_are():
    text = table(20, shown=15).markdown()
    assert "row 14" in text
    assert "row 15" not in text
    assert text.endswith("\n\n5 more are in `report.html`, in this run's artifact `report`.")


def test_a_whole_table_shows_all_rows():
    assert "row 19" in table(20, shown=15).markdown(whole=True)
    assert "more" not in table(20, shown=15).markdown(whole=True)


def test_a_table_stays_within_its_size():
    text = table(1000, shown=1000, size=300).markdown()
    assert len(text) < 450
    assert "more are in" in text


def test_a_pipe_in_a_cell_does_not_end_it():
    assert Table(["a"], [["x|y"]]).markdown().splitlines()[2] == r"| x\|y |"


def test_a_folded_section_stands_behind_its_title():
    text = to_markdown([Section("More <b>", ["words"], folded=True)])
    assert text == "<details>\n<summary><b>More &lt;b&gt;</b></summary>\n\nwords\n\n</details>\n"


def test_a_section_has_a_heading_of_its_level():
    assert to_markdown([Section("Title", ["one", "two"], level=2)]) == "## Title\n\none\n\ntwo\n"


def test_a_chart_has_its_names_in_the_colours_of_its_lines():
    chart = Curves("Calibration", "x", "y", {"this": ([0, 1], [0, 1]), "main": ([0, 1], [1, 1])}, diagonal=True)
    text = to_markdown([Section("Curves", [chart])])
    assert "🟦 this · 🟧 main · ⬜ perfect\n\n```mermaid\n---\n" in text


def test_a_chart_that_mermaid_does_not_have_is_left_to_the_page():
    chart = Intervals("Slices", "x", ["a"], [0.1], [0.0], [0.2], [True])
    assert to_markdown([Section("Slices", [chart, "words"])]) == "### Slices\n\nwords\n"


def test_what_no_longer_fits_is_left_to_the_page():
    # every one of these characters counts twice where GitHub counts
    sections = [Section(str(number), ["🎉" * 5_000]) for number in range(10)]
    text = to_markdown(sections)
    assert len(text.encode("utf-16-le")) / 2 <= LIMIT
    assert "### 4" in text
    assert "### 6" not in text
    assert text.endswith("The rest is in `report.html`, in this run's artifact `report`.\n")
