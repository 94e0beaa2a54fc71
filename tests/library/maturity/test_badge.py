"""The picture of a score: valid XML that loads nothing, and says the score in words too."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from modelyard.maturity.badge import COLOURS, badge, write_badge

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("score", "value", "colour"), [(0.0, "0 of 7", 3), (2.5, "2.5 of 7", 2), (7.0, "7 of 7", 0)])
def test_the_picture_says_the_score(score, value, colour, tmp_path):
    path = tmp_path / "docs/score.svg"
    write_badge(score, path)
    root = ElementTree.parse(path).getroot()  # noqa: S314 (made above)
    assert root.get("aria-label") == f"ML Test Score: {value}"
    assert [one.text for one in root.iter(f"{SVG}text")] == ["ML Test Score", value]
    assert root.find(f"{SVG}path").get("fill") == COLOURS[colour][1]


def test_it_loads_nothing_and_holds_its_text():
    root = ElementTree.fromstring(badge(6.5))  # noqa: S314 (made here)
    assert not any(name.endswith(("href", "src")) for one in root.iter() for name in one.attrib)
    assert not list(root.iter(f"{SVG}image")) + list(root.iter(f"{SVG}style"))
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("x")) + float(text.get("textLength")) < float(root.get("width"))
