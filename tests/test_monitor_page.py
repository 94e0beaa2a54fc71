"""The monitoring page in a real Chromium: drawn whole, in light and dark, on a wide screen and on a narrow one."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from browser.chromium import content
from library.figures import figures
from modelyard.production.page import monitor_page

MEASURE = (Path(__file__).parent / "browser/measure.js").read_text(encoding="utf-8")
DARK = "@media (prefers-color-scheme: dark)"

# a person's machine may have no browser, the one that judges a change has
pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") or os.environ.get("CI")), reason="needs Debian's chromium"
)


def measured(page: str, width: int) -> dict[str, Any]:
    """What a script finds that the page, which forbids scripts, is made to run."""
    allowed = page.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';")
    assert allowed != page
    shown = content(allowed.replace("<body>", f"<body><script>{MEASURE}</script>"), width)
    found = re.search('data-measured="([^"]*)"', shown)
    assert found, shown[:2000]
    return json.loads(html.unescape(found[1]))


def lightness(colour: str) -> float:
    """Of `rgb(1, 2, 3)`, from 0 to 255."""
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (500, True)])
def test_the_page_is_drawn_whole_on_any_screen_in_light_and_dark(width: int, dark: bool) -> None:
    page = monitor_page(figures(30, metrics=("log_loss", "roc_auc"), inputs=("temp", "carrier", "a " * 30)))
    found = measured(page.replace(DARK, "@media all" if dark else "@media print"), width)
    assert found["failed"] == found["loaded"] == []
    assert found["wide"] <= 0  # nobody has to scroll the page sideways
    assert len(found["charts"]) == 3
    assert all(wide > 300 and high > 100 for wide, high in found["charts"])
    assert (lightness(found["ink"]) > lightness(found["paper"])) is dark
    assert abs(lightness(found["ink"]) - lightness(found["paper"])) > 150
    assert set(found["drifting"]).isdisjoint(found["quiet"])
